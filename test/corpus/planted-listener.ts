import { createSocket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';

/** Something that nobody may connect to, on TCP and on UDP, at one port of the loopback. */
export interface PlantedListener extends AsyncDisposable {
  /** Five digits, so that it fits where a placeholder of five stands. */
  readonly port: number;
  /** What came in so far. */
  readonly visits: readonly string[];
  /** Emits `packet` when one came by UDP. */
  readonly arrivals: EventEmitter;
}

const host = '127.0.0.1';

/** Ports of five digits begin here; below, other programs have theirs. */
const portMin = 10_000;

/** Opens the listener at a port that is free for both. */
export async function plantListener(): Promise<PlantedListener> {
  const visits: string[] = [];
  const arrivals = new EventEmitter();
  const server = createServer((socket) => {
    visits.push('a TCP connection');
    socket.destroy();
  });
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  if (port < portMin) throw new Error(`The system gave port ${port}, which has too few digits.`);
  const socket = createSocket('udp4', () => {
    visits.push('a UDP packet');
    arrivals.emit('packet');
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  return {
    port,
    visits,
    arrivals,
    async [Symbol.asyncDispose]() {
      socket.close();
      server.close();
      await once(server, 'close');
    },
  };
}
