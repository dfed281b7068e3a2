// Bundles the page into dist/, laid out as the server serves it:
//   /tutorial -> dist/tutorial.html,  /assets/* -> dist/assets/*
import { cp, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => new URL(path, import.meta.url);

await rm(here('dist'), { recursive: true, force: true });
await mkdir(here('dist/assets'), { recursive: true });

await build({
  absWorkingDir: fileURLToPath(here('.')),
  entryPoints: [
    { in: 'src/tutorial/main.tsx', out: 'assets/tutorial' },
    { in: 'src/tutorial/tutorial.css', out: 'assets/tutorial' },
  ],
  outdir: 'dist',
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
});

await cp(here('src/tutorial/tutorial.html'), here('dist/tutorial.html'));
await cp(here('src/tutorial/favicon.svg'), here('dist/assets/favicon.svg'));
