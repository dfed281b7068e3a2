// What the pages of Tandem Link compute: names of files and devices, networks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

async function load(path) {
  const { outputFiles } = await build({ entryPoints: [fileURLToPath(new URL(path, import.meta.url))], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { cutToBytes, fileNameToSend, isRaster, safeFileName, safeMediaType } = await load('src/linked/file-name.ts');
const { findAddresses } = await load('src/linked/addresses.ts');
const { describe } = await load('src/linked/device.ts');
const { isSameNetwork } = await load('src/phone/network.ts');
const { en } = await load('src/linked/text.en.ts');
const { zh } = await load('src/linked/text.zh.ts');

test('the name of a file that somebody sent is no path, hides nothing, and means nothing to a system', () => {
  for (const [name, safe] of [
    ['photo.jpg', 'photo.jpg'], ['报告 2026.pdf', '报告 2026.pdf'], ['👩‍💻.txt', '👩‍💻.txt'], ['../../etc/passwd', 'passwd'], ['C:\\Windows\\x.exe', 'x.exe'], ['.bashrc', 'bashrc'],
    ['...', 'file'], ['', 'file'], ['/', 'file'], ['a\u202egpj.exe', 'a_gpj.exe'], ['a\nb\0c', 'a_b_c'], ['CON', '_CON'], ['nul.txt', '_nul.txt'], ['console.log', 'console.log'],
    ['what? "this": <that>|*', 'what_ _this__ _that___'], ['trailing. ', 'trailing'],
  ]) assert.equal(safeFileName(name), safe);
  const long = safeFileName(`${'long '.repeat(100)}.tar.gz`);
  assert.equal([...long].length, 120);
  assert.ok(long.endsWith('.gz'));
});

test('a name that is sent fits its bound, as whole characters and with its extension', () => {
  assert.equal(cutToBytes('a你好', 4), 'a你');
  assert.equal(cutToBytes('😀😀', 7), '😀');
  const name = fileNameToSend(`${'你'.repeat(200)}.pdf`, 255);
  assert.ok(name.endsWith('你.pdf') && Buffer.byteLength(name) <= 255);
});

test('only images that are pixels are shown, and nothing is saved under a type that runs', () => {
  assert.ok(isRaster('image/png') && !isRaster('image/svg+xml') && !isRaster('text/html'));
  assert.deepEqual(['image/webp', 'image/svg+xml', 'text/html', ''].map(safeMediaType), ['image/webp', ...Array(3).fill('application/octet-stream')]);
});

test('one network: equal addresses, or both private in a /24, or one /64 of IPv6', () => {
  for (const [a, b] of [['203.0.113.7', '203.0.113.7'], ['192.168.1.2', '192.168.1.200'], ['10.0.0.1', '10.0.0.9'], ['172.31.0.1', '172.31.0.2'], ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2'], ['fe80::1', 'fe80::2'], ['::1', '::1']]) {
    assert.ok(isSameNetwork(a, b), `${a} ${b}`);
  }
  for (const [a, b] of [['203.0.113.7', '203.0.113.8'], ['192.168.1.2', '192.168.2.2'], ['172.32.0.1', '172.32.0.2'], ['', ''], ['192.168.1.2', '::1'], ['2001:db8:0:1::1', '2001:db8:0:2::1'], ['1:2', '1:3'], ['x', 'y'], ['1::2::3', '1::2::4']]) {
    assert.ok(!isSameNetwork(a, b), `${a} ${b}`);
  }
});

test('a device is described in names that need no translation', () => {
  const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0';
  assert.deepEqual(describe(`Mozilla/5.0 (Linux; Android 10; K) ${chrome} Mobile Safari/537.36`), { name: 'Android', platform: 'Chrome 140' });
  assert.deepEqual(describe(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/140.0.0.0`), { name: 'Windows', platform: 'Edge 140' });
  const safari = 'AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15';
  assert.deepEqual(describe(`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${safari}`), { name: 'macOS', platform: 'Safari 18' });
  assert.deepEqual(describe(`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${safari}`, 5), { name: 'iPad', platform: 'Safari 18' });
  assert.deepEqual(describe('Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0'), { name: 'Linux', platform: 'Firefox 142' });
  assert.deepEqual(describe(''), { name: '?', platform: '' });
});

test('web addresses in a text lead where they say, and nothing else leads anywhere', () => {
  const links = (text) => {
    const parts = findAddresses(text);
    assert.equal(parts.map((part) => part.text).join(''), text);
    for (const { text: shown, address } of parts) assert.ok(address === null || address === shown);
    return parts.filter(({ address }) => address !== null).map(({ address }) => address);
  };
  assert.deepEqual(links('See https://example.org/a?b=c#d, (http://x.y/z). Done'), ['https://example.org/a?b=c#d', 'http://x.y/z']);
  assert.deepEqual(links('请看https://例子.中国/路径，谢谢'), ['https://例子.中国/路径']);
  assert.deepEqual(links('xhttps://example.org'), []);
  assert.deepEqual(links('https://example.org'), ['https://example.org']);
  for (const text of ['', 'plain', 'javascript:alert(1)', 'data:text/html,x', 'https://', 'http://:80', '<a href="x">', 'ftp://example.org']) assert.deepEqual(links(text), []);
});

test('both languages say the same things', () => {
  const shape = (text) => typeof text === 'object' && text !== null
    ? Array.isArray(text) ? text.length : Object.fromEntries(Object.entries(text).map(([key, value]) => [key, shape(value)])) : typeof text;
  assert.deepEqual(shape(zh), shape(en));
});
