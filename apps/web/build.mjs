// Bundles the pages into dist/, laid out as the server serves it:
//   / -> dist/index.html,  /phone -> dist/phone.html,  /tutorial -> dist/tutorial.html,  /lab -> dist/lab.html,
//   /inspect -> dist/inspect.html,  /assets/* -> dist/assets/*,  /third-party-notices.txt -> dist/third-party-notices.txt,
//   for any page to import: /assets/session.js, /assets/link-login.js
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noticesOf, packagesIn } from './notices.mjs';

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
  // They are in the notices, whole.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

const { metafile: others } = await build({
  ...options,
  entryPoints: [
    { in: 'src/tutorial/main.tsx', out: 'assets/tutorial' },
    { in: 'src/tutorial/tutorial.css', out: 'assets/tutorial' },
    { in: 'src/lab/main.tsx', out: 'assets/lab' },
    { in: 'src/lab/lab.css', out: 'assets/lab' },
    { in: 'src/inspect/main.tsx', out: 'assets/inspect' },
    { in: 'src/inspect/inspect.css', out: 'assets/inspect' },
    { in: 'src/session/index.ts', out: 'assets/session' },
    { in: 'src/login/index.ts', out: 'assets/link-login' },
  ],
  outdir: 'dist',
});

// The client of sessions as a package of its own, for other people's bundlers and for Node: src/session/package.json points here.
await build({ ...options, entryPoints: ['src/session/index.ts'], outfile: 'src/session/dist/index.js', minify: false });

// The two pages of Tandem Link have most of their code in common, and load the decoder of QR codes only where the browser has none.
const { metafile } = await build({
  ...options,
  entryPoints: [
    { in: 'src/computer/main.tsx', out: 'assets/computer' },
    { in: 'src/phone/main.tsx', out: 'assets/phone' },
    { in: 'src/linked/linked.css', out: 'assets/link' },
  ],
  outdir: 'dist',
  splitting: true,
  chunkNames: 'assets/[name]-[hash]',
});

for (const page of ['tutorial', 'lab', 'inspect']) await cp(here(`src/${page}/${page}.html`), here(`dist/${page}.html`));
await cp(here('src/phone/phone.webmanifest'), here('dist/phone.webmanifest'));
await cp(here('src/phone/icons'), here('dist/assets'), { recursive: true });
await cp(here('src/shared/favicon.svg'), here('dist/assets/favicon.svg'));

/** A script with all that it imports at once. */
const withImports = (script) => {
  const scripts = [script];
  for (const each of scripts) {
    for (const { path, kind } of metafile.outputs[each].imports) {
      if (kind === 'import-statement' && !scripts.includes(path)) scripts.push(path);
    }
  }

  return scripts;
};

const served = (file) => file.replace(/^dist/, '');

// What a script imports is asked for with it, not one way there and back later.
for (const [page, from, script] of [['index', 'computer', 'dist/assets/computer.js'], ['phone', 'phone', 'dist/assets/phone.js']]) {
  const html = await readFile(here(`src/${from}/${page}.html`), 'utf8');
  const links = withImports(script).slice(1).map((file) => `  <link rel="modulepreload" href="${served(file)}">\n`);
  await writeFile(here(`dist/${page}.html`), html.replace('</head>', `${links.join('')}</head>`));
}

// What the phone's page is made of is known when it is built: its service worker keeps exactly that, under a name that changes with it.
const shell = ['dist/phone.html', 'dist/phone.webmanifest', 'dist/assets/link.css', 'dist/assets/favicon.svg', ...withImports('dist/assets/phone.js')];
const hash = createHash('sha256');
for (const file of shell) hash.update(await readFile(here(file)));
const { metafile: worker } = await build({
  ...options,
  entryPoints: [{ in: 'src/phone/worker.ts', out: 'phone-worker' }],
  outdir: 'dist',
  define: {
    SHELL: JSON.stringify(shell.map((file) => served(file).replace(/\.html$/, ''))),
    SHELL_VERSION: JSON.stringify(hash.digest('hex').slice(0, 16)),
  },
});

await writeFile(here('dist/third-party-notices.txt'), await noticesOf(packagesIn(others, metafile, worker)));
