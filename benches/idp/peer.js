// oauth2-mock-server with one key: node peer.js ALGORITHM PORT
import { OAuth2Server } from 'oauth2-mock-server';

const [algorithm, port] = process.argv.slice(2);
const server = new OAuth2Server();
await server.issuer.keys.generate(algorithm);
await server.start(Number(port), '127.0.0.1');
