// Launches one Chromium with the suite's own Playwright and lends it to one connection at a time.
// Run as `node browser_server.js FD`: speaks JSON lines with the browser host over descriptor FD
// and ends when that closes. Uses nothing of Playwright but `chromium.launchServer`.
'use strict';
const crypto = require('crypto');
const net = require('net');

const HEAD_BYTES = 16384;
const HEAD_MS = 10000;
const control = new net.Socket({ fd: Number(process.argv[2]), readable: true, writable: true });
const home = process.cwd();
const inner = { port: 0, path: '/' + crypto.randomBytes(24).toString('hex') };
let lease = null;

const say = message => control.write(JSON.stringify(message) + '\n');

async function launch({ package: folder, options }) {
  const { chromium } = require(folder);
  const server = await chromium.launchServer({
    ...options, host: '127.0.0.1', wsPath: inner.path,
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
  });
  inner.port = Number(new URL(server.wsEndpoint()).port);
  server.on('close', () => process.exit(1));
  const front = net.createServer(admit);
  front.listen(0, '127.0.0.1', () => say({ ev: 'ready', port: front.address().port, pid: server.process().pid }));
}

// The path of a lease is good for one connection; everything after the first line passes as it is.
function admit(client) {
  let head = Buffer.alloc(0);
  client.setNoDelay(true);
  client.setTimeout(HEAD_MS, () => client.destroy());
  client.on('error', () => client.destroy());
  const read = data => {
    head = Buffer.concat([head, data]);
    const end = head.indexOf('\r\n');
    if (end < 0 && head.length <= HEAD_BYTES) return;
    client.off('data', read);
    client.pause();
    const path = end < 0 ? '' : String(head.subarray(0, end)).split(' ')[1] || '';
    if (!fits(path)) return void client.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    client.setTimeout(0);
    join(client, Buffer.concat([Buffer.from(`GET ${inner.path} HTTP/1.1`), head.subarray(end)]));
  };
  client.on('data', read);
}

function fits(path) {
  const given = Buffer.from(path.slice(1));
  return !!lease && !lease.client && given.length === lease.token.length
    && crypto.timingSafeEqual(given, lease.token);
}

function join(client, head) {
  const mine = lease;
  mine.client = client;
  const server = net.connect(inner.port, '127.0.0.1');
  server.setNoDelay(true);
  server.on('error', () => server.destroy());
  server.on('close', () => client.destroy());
  client.on('close', () => { server.destroy(); if (mine === lease) say({ ev: 'disconnected' }); });
  server.write(head);
  client.pipe(server);
  server.pipe(client);
}

const answers = {
  launch: message => launch(message).catch(error => say({ ev: 'failed', message: String(error.message).slice(0, 4000) })),
  lease: ({ token, cwd }) => {
    lease = { token: Buffer.from(token), client: null };
    // Paths that a test gives may be relative to where it runs.
    try { process.chdir(cwd); } catch { process.chdir(home); }
    say({ ev: 'leased' });
  },
  release: () => {
    const { client } = lease || {};
    lease = null;
    if (client) client.destroy();
    process.chdir(home);
    say({ ev: 'released' });
  },
};

let text = '';
control.on('data', data => {
  text += data;
  const lines = text.split('\n');
  text = lines.pop();
  for (const line of lines) {
    const message = JSON.parse(line);
    answers[message.op](message);
  }
});
control.on('close', () => process.exit(0));
control.on('error', () => process.exit(0));
