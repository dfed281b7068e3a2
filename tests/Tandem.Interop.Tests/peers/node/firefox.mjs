// Firefox, driven over WebDriver BiDi.
import { readFileSync } from 'node:fs';
import puppeteer from 'puppeteer-core';
import { listen, tell } from './control.mjs';

const browser = await puppeteer.launch({ browser: 'firefox', executablePath: process.argv[2], headless: true });
const page = await browser.newPage();
await page.addScriptTag({ content: readFileSync(new URL('../browser.js', import.meta.url), 'utf8') });
tell({ version: (await browser.version()).replace(/^.*\//, '') });
listen(
  async (command) => tell(await page.evaluate((argument) => interop(argument), command)),
  async () => {
    await browser.close();
    process.exit();
  },
);
