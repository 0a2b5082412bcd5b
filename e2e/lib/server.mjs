/** The real binary, with a data folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const BINARY = resolve(process.env.SEOGO_BINARY ?? join(here, '../../target/release/seogo'));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const SETUP_LINK = /https?:\/\/\S*\/setup\?token=\S+/;
/** Escape sequences that colour a log. */
const COLOUR = /\u001b\[[0-9;]*m/g;

export class Server {
	/** What the server has printed so far. */
	log = '';
	#process;
	#dataDir;
	#address;

	/** Starts the server; done when it has printed the set-up link. */
	static async start() {
		if (!existsSync(BINARY))
			throw new Error(`There is no ${BINARY}. Build it (make build), or name it in SEOGO_BINARY.`);
		const server = new Server();
		server.#dataDir = await mkdtemp(join(tmpdir(), 'seogo-e2e-'));
		server.#address = `127.0.0.1:${await freePort()}`;
		server.#spawn();
		try {
			server.setupLink = await server.#printed(SETUP_LINK);
		} catch (error) {
			await server.stop();
			throw error;
		}
		return server;
	}

	get url() {
		return `http://${this.#address}`;
	}

	/** Puts a copy of the file into a folder of the library, as a person would. */
	async drop(file, folder, name = basename(file)) {
		const target = join(this.#dataDir, 'library', folder);
		await mkdir(target, { recursive: true });
		await copyFile(file, join(target, name));
	}

	async stop() {
		if (this.#process.exitCode === null && this.#process.signalCode === null) {
			const exited = once(this.#process, 'exit');
			this.#process.kill('SIGTERM');
			const last = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
			await exited;
			clearTimeout(last);
		}
		await rm(this.#dataDir, { recursive: true, force: true });
	}

	#spawn() {
		const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SEOGO_'));
		const env = {
			...Object.fromEntries(inherited),
			SEOGO_DATA_DIR: this.#dataDir,
			SEOGO_LISTEN: this.#address
		};
		this.#process = spawn(BINARY, ['serve'], { env, cwd: this.#dataDir, stdio: ['ignore', 'pipe', 'pipe'] });
		for (const stream of [this.#process.stdout, this.#process.stderr]) {
			stream.setEncoding('utf8').on('data', (text) => (this.log += text.replace(COLOUR, '')));
		}
	}

	/** The first match in the output, which may still have to come. */
	#printed(pattern) {
		return new Promise((found, failed) => {
			const fail = (why) => failed(new Error(`The server ${why}. It printed:\n${this.log}`));
			const timer = setTimeout(() => fail(`has not printed ${pattern}`), START_TIMEOUT_MS);
			const look = () => {
				const match = pattern.exec(this.log);
				if (match === null) return;
				clearTimeout(timer);
				found(match[0]);
			};
			this.#process.once('error', (error) => fail(`cannot be started: ${error.message}`));
			this.#process.once('exit', (code) => fail(`ended with ${code}`));
			for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', look);
		});
	}
}

async function freePort() {
	const probe = createServer().listen(0, '127.0.0.1');
	await once(probe, 'listening');
	const { port } = probe.address();
	probe.close();
	await once(probe, 'close');
	return port;
}
