import { sveltekit } from '@sveltejs/kit/vite';
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';
import { mockServer } from './mock/plugin';

export default defineConfig(({ mode }) => {
	const env = loadEnv(mode, '.', 'SEOGO_');
	// `SEOGO_MOCK=1 npm run dev` answers from sample data; otherwise a running server does.
	const mocked = env['SEOGO_MOCK'] === '1';
	const target = env['SEOGO_SERVER'] ?? 'http://127.0.0.1:8080';
	return {
		plugins: [sveltekit(), ...(mocked ? [mockServer()] : [])],
		server: mocked ? {} : { proxy: { '/api': { target, changeOrigin: false } } },
		test: { include: ['src/**/*.test.ts'], environment: 'node' },
		// Components' state classes are tested as the browser runs them.
		resolve: mode === 'test' ? { conditions: ['browser'] } : {}
	};
});
