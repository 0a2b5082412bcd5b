/** Media made on the spot: a tone, and a picture drawn as SVG. */

const RATE = 8000;

export function tone(seconds: number): Buffer {
	const samples = RATE * seconds;
	const wav = Buffer.alloc(44 + samples);
	wav.write('RIFF');
	wav.writeUInt32LE(36 + samples, 4);
	wav.write('WAVEfmt ', 8);
	wav.writeUInt32LE(16, 16);
	wav.writeUInt16LE(1, 20);
	wav.writeUInt16LE(1, 22);
	wav.writeUInt32LE(RATE, 24);
	wav.writeUInt32LE(RATE, 28);
	wav.writeUInt16LE(1, 32);
	wav.writeUInt16LE(8, 34);
	wav.write('data', 36);
	wav.writeUInt32LE(samples, 40);
	for (let i = 0; i < samples; i++)
		wav[44 + i] = 128 + Math.round(20 * Math.sin((i * 2 * Math.PI * 220) / RATE));
	return wav;
}

export const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180" width="1280" height="720"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="#416e63"/><stop offset="1" stop-color="#d9b36c"/></linearGradient></defs><rect width="320" height="180" fill="url(#g)"/><g fill="#fff" opacity=".75"><rect x="40" y="50" width="20" height="100"/><rect x="66" y="60" width="26" height="90"/><rect x="98" y="40" width="16" height="110"/><rect x="120" y="56" width="22" height="94"/></g></svg>`;
