// Bundles the pages into dist/, laid out as the server serves them:
//   /tutorial -> dist/tutorial.html,  /lab -> dist/lab.html,  /inspect -> dist/inspect.html,  /assets/* -> dist/assets/*,  for any page to import: /assets/session.js
import { cp, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => new URL(path, import.meta.url);

await rm(here('dist'), { recursive: true, force: true });
await mkdir(here('dist/assets'), { recursive: true });

const options = {
  absWorkingDir: fileURLToPath(here('.')),
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

await build({
  ...options,
  entryPoints: [
    { in: 'src/tutorial/main.tsx', out: 'assets/tutorial' },
    { in: 'src/tutorial/tutorial.css', out: 'assets/tutorial' },
    { in: 'src/lab/main.tsx', out: 'assets/lab' },
    { in: 'src/lab/lab.css', out: 'assets/lab' },
    { in: 'src/inspect/main.tsx', out: 'assets/inspect' },
    { in: 'src/inspect/inspect.css', out: 'assets/inspect' },
    { in: 'src/session/index.ts', out: 'assets/session' },
  ],
  outdir: 'dist',
});

// The client of sessions as a package of its own, for other people's bundlers and for Node: src/session/package.json points here.
await build({ ...options, entryPoints: ['src/session/index.ts'], outfile: 'src/session/dist/index.js', minify: false });

for (const page of ['tutorial', 'lab', 'inspect']) await cp(here(`src/${page}/${page}.html`), here(`dist/${page}.html`));
await cp(here('src/shared/favicon.svg'), here('dist/assets/favicon.svg'));
