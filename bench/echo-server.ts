/** A bare Fastify that answers with the JSON it was sent: what any HTTP service here costs at least. */
import { fastify } from 'fastify';

const server = fastify({ logger: false });
server.post('/v1/decisions', async (request) => request.body);
await server.listen({ host: '127.0.0.1', port: 0 });
const { port } = server.server.address() as { port: number };
process.send?.({ url: `http://127.0.0.1:${port}` });
process.once('disconnect', () => process.exit(0));
