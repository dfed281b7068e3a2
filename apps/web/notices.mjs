// Whose code is in the bundles, and under which terms: minifying drops the comments that say so.
import { readdir, readFile } from 'node:fs/promises';

const modules = new URL('node_modules/', import.meta.url);

/** The names of the packages that have bytes in what esbuild has written. */
export function packagesIn(...metafiles) {
  const names = new Set();
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        const inside = path.split('node_modules/').at(-1);
        if (inside !== path && bytesInOutput > 0) names.add(inside.split('/').slice(0, inside.startsWith('@') ? 2 : 1).join('/'));
      }
    }
  }

  return [...names].sort();
}

/** The terms of each, word for word. Throws where a package brings none: then it is not to be served. */
export async function noticesOf(names) {
  const notices = [];
  for (const name of names) {
    const folder = new URL(`${name}/`, modules);
    const { version, license } = JSON.parse(await readFile(new URL('package.json', folder), 'utf8'));
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort();
    if (files.length === 0) throw new Error(`${name} ${version} brings no text of its licence.`);
    const texts = await Promise.all(files.map(async (file) => (await readFile(new URL(file, folder), 'utf8')).trim()));
    notices.push(`${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`);
  }

  return `The pages of Tandem contain code of others.\n\n${notices.join(`\n${'-'.repeat(72)}\n\n`)}`;
}
