import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from '@playwright/test';

const REPOSITORY = join(import.meta.dirname, '..');

/** The settings of the server under test, which bin/test exports. */
export const HAS_SETTINGS = Boolean(process.env.DATABASE_URL && process.env.MODEL_CATALOG);

/** Runs a command to its end, which must be a good one. */
export async function run(command: string, args: string[], settings: Record<string, string> = {}): Promise<void> {
  const started = spawn(command, args, {
    cwd: REPOSITORY,
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  started.stderr.on('data', (data) => (errors += data));
  const [status] = await once(started, 'close');
  expect(status, `${command} ${args.join(' ')}: ${errors}`).toBe(0);
}

/** A command of an operator. */
export function plumbline(args: string[], settings: Record<string, string>): Promise<void> {
  return run('target/debug/plumbline', args, settings);
}

/** A server that a test may kill: on its own port, with the database and Redis of the one that all others use. */
export class OwnServer {
  private process?: ChildProcess;

  private constructor(
    private readonly port: number,
    private readonly logFile: string,
    private readonly settings: Record<string, string>,
  ) {}

  static async start(logFile: string, settings: Record<string, string>): Promise<OwnServer> {
    const server = new OwnServer(await freePort(), logFile, settings);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Another process on the same port. */
  async startAgain(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const own = { LISTEN_ADDR: `127.0.0.1:${this.port}`, PUBLIC_URL: this.url, ...this.settings };
    const started = spawn('target/debug/plumbline', ['serve'], {
      cwd: REPOSITORY,
      env: { ...process.env, ...own },
      stdio: ['ignore', log, log],
    });
    this.process = started;
    const isReady = async () => {
      expect(started.exitCode, `the server has ended; its log is ${this.logFile}`).toBeNull();
      return fetch(`${this.url}/health/ready`).then(
        (response) => response.status,
        () => 'not listening',
      );
    };
    await expect.poll(isReady, { timeout: 20_000 }).toBe(200);
  }

  /** Tells it to end, as a deployment does. Resolves when it has. */
  async terminate(): Promise<void> {
    await this.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const exit = once(process, 'exit');
    process.kill(signal);
    await exit;
  }
}

/** Below the range that outgoing connections use, which could take it while the server is away. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
