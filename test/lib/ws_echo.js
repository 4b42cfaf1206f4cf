// SPDX-License-Identifier: Apache-2.0
// node ws_echo.js serve | visit URL CA PORT: an echo with the package ws, and a visitor of it.
'use strict';
const fs = require('fs');
const crypto = require('crypto');
const tls = require('tls');
const WebSocket = require('ws');

function serve() {
	const server = new WebSocket.Server({ host: '127.0.0.1', port: 0, perMessageDeflate: true });
	server.on('connection', (socket) => {
		socket.on('message', (data, binary) => socket.send(data, { binary }));
	});
	server.on('listening', () => console.log(String(server.address().port)));
	process.on('SIGTERM', () => process.exit(0));
}

function visit(url, ca, port) {
	const messages = [Buffer.from('text'), crypto.randomBytes(200000), Buffer.alloc(0), crypto.randomBytes(70000)];
	const socket = new WebSocket(url, {
		ca: fs.readFileSync(ca),
		createConnection: (options) => tls.connect({ ...options, host: '127.0.0.1', port: Number(port),
			servername: new URL(url).hostname, ALPNProtocols: ['http/1.1'] }),
	});
	let at = 0;
	socket.on('open', () => socket.send(messages[0]));
	socket.on('message', (data) => {
		if (!messages[at].equals(Buffer.from(data)))
			process.exit(1);
		if (++at < messages.length)
			return socket.send(messages[at]);
		socket.close(1000, 'done');
	});
	socket.on('close', (code) => {
		if (code === 1000 && at === messages.length)
			console.log('echoed');
		process.exit(code === 1000 ? 0 : 1);
	});
	socket.on('error', (e) => { console.error(e); process.exit(1); });
}

if (process.argv[2] === 'serve')
	serve();
else
	visit(...process.argv.slice(3));
