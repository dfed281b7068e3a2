// Whoever's code is in the bundles is named, with his terms: build.mjs, notices.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noticesOf, packagesIn } from './notices.mjs';

const bundle = async (...entries) => (await build({
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)), entryPoints: entries, bundle: true, splitting: true, format: 'esm', outdir: 'out', write: false, metafile: true,
})).metafile;

test('every package that the pages depend on is in their bundles, and its terms are in the notices', async () => {
  const metafile = await bundle('src/computer/main.tsx', 'src/phone/main.tsx', 'src/tutorial/main.tsx', 'src/lab/main.tsx', 'src/inspect/main.tsx', 'src/login/index.ts');
  const names = packagesIn(metafile);
  const { dependencies } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));
  // Told in another way than by esbuild: what package.json asks for, and what that brings along.
  assert.deepEqual(names, [...Object.keys(dependencies), '@preact/signals-core'].sort());
  const notices = await noticesOf(names);
  const parts = notices.split('-'.repeat(72));
  assert.equal(parts.length, names.length);
  for (const [i, name] of names.entries()) {
    const { version } = JSON.parse(await readFile(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8'));
    assert.match(parts[i], new RegExp(`^(The pages .*\n)?\n+${name} ${version.replaceAll('.', '\\.')} \\(`), name);
    assert.match(parts[i], /Copyright \(c\) /, name);
    assert.match(parts[i], /Permission is hereby granted, free of charge/, name);
  }
});

test('a bundle without anybody else names nobody, and a package without terms is not served', async () => {
  assert.deepEqual(packagesIn(await bundle('src/session/index.ts')), []);
  await assert.rejects(noticesOf([`@esbuild/${process.platform}-${process.arch}`]), /brings no text of its licence/);
});
