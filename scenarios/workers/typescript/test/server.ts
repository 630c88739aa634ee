/** A loopback HTTP server that answers as it is told and remembers what it was asked. */

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer; a `body` that is no string is sent as JSON. */
export interface Reply {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Sends spaces for ever after the body, so that no single read waits long. */
  dribble?: boolean;
}

export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Server {
  url: string;
  requests: Asked[];
}

/** Serves while `use` runs. `answer` is called for each request; `undefined` never answers. */
export async function serving<T>(
  answer: Reply | ((asked: Asked, server: Server) => Reply | undefined),
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server: Server = { url: '', requests: [] };
  const http = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += String(piece);
    const asked = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    server.requests.push(asked);
    const reply = typeof answer === 'function' ? answer(asked, server) : answer;
    if (!reply) return;
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? '');
    response.writeHead(reply.status ?? 200, reply.headers);
    if (!reply.dribble) return response.end(reply.body === undefined ? '' : text);
    response.write(text);
    const timer = setInterval(() => response.write(' '), 5);
    return response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  server.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  try {
    return await use(server);
  } finally {
    http.closeAllConnections();
    await new Promise((closed) => http.close(closed));
  }
}
