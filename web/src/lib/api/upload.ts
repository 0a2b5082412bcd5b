/** One file to the server, with progress: `fetch` cannot tell how much of a body has been sent. */
import { urls } from './client';
import { ApiError, errorFromBody, unreachable } from './error';
import type { Document } from './types';

export interface Sending {
	answer: Promise<Document>;
	abort: () => void;
}

export function sendFile(file: File, onProgress: (sentBytes: number) => void): Sending {
	const request = new XMLHttpRequest();
	const answer = new Promise<Document>((resolve, reject) => {
		request.upload.onprogress = (event) => onProgress(event.loaded);
		request.onload = () => settle(request, resolve, reject);
		request.onerror = () => reject(unreachable());
		request.onabort = () => reject(new ApiError(0, 'aborted', 'Cancelled.'));
	});
	const form = new FormData();
	form.append('file', file, file.name);
	request.open('POST', urls.upload);
	request.send(form);
	return { answer, abort: () => request.abort() };
}

function settle(
	request: XMLHttpRequest,
	resolve: (document: Document) => void,
	reject: (error: ApiError) => void
): void {
	if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Document);
	else reject(errorFromBody(request.status, request.responseText));
}
