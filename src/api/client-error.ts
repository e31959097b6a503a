/** Answers to what is no HTTP, too much of it or too slow: there is no request to route then. */
import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errnoOf } from '../base/errors.ts';
import { newRequestId } from './request.ts';

interface Meaning {
  readonly status: number;
  readonly title: string;
  readonly message: string;
}

const malformed: Meaning = {
  status: 400,
  title: 'Bad Request',
  message: 'Malformed request: it is not HTTP/1.1.',
};

/** By the codes of Node's HTTP server. */
const meanings: Readonly<Record<string, Meaning>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: 'Request Header Fields Too Large',
    message: 'The address and the headers of a request may have 16 KiB together.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    title: 'Request Timeout',
    message: 'The headers of the request did not arrive in time.',
  },
};

/**
 * Says what was wrong, in the shape that the clients of every face understand, and closes the
 * connection. Nothing of what came is shown.
 */
export function answerClientError(error: Error, socket: Socket): void {
  const { status, title, message } = meanings[errnoOf(error) ?? ''] ?? malformed;
  const isGone = errnoOf(error) === 'ECONNRESET' || !socket.writable;
  if (isGone || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({ error: { code: status, title, message } });
  const lines = [
    `HTTP/1.1 ${status} ${title}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-openstack-request-id: ${newRequestId()}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** Whether an answer is on its way already: what is written now would be part of it. */
function isAnswering(socket: Socket): boolean {
  // Node keeps it there, and looks there itself where nobody else answers.
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  return answer instanceof ServerResponse && answer.headersSent;
}
