import { randomUUID } from 'node:crypto';
import { plumbline, run } from './server';

/** A database that belongs to one test, with the tables and the catalog: for servers whose jobs nobody else may do. */
export class OwnDatabase {
  private readonly name = `own_${randomUUID().replaceAll('-', '')}`;

  get url(): string {
    const url = new URL(process.env.DATABASE_URL ?? '');
    url.pathname = `/${this.name}`;
    return url.href;
  }

  async create(): Promise<void> {
    await sql(`create database ${this.name}`);
    await plumbline(['migrate'], { DATABASE_URL: this.url });
    await plumbline(['apply-catalog'], { DATABASE_URL: this.url });
  }

  async drop(): Promise<void> {
    await sql(`drop database ${this.name} with (force)`);
  }
}

/** A job of the shared server that was given up for this reason. */
export async function addDeadJob(kind: string, error: string): Promise<void> {
  await sql(`insert into jobs (id, kind, payload, state, attempt, max_attempts, last_error, finished_at)
    values (gen_random_uuid(), '${kind}', 'null', 'dead', 1, 1, '${error}', now())`);
}

async function sql(command: string): Promise<void> {
  await run('psql', ['--quiet', '--no-psqlrc', '--command', command, process.env.DATABASE_URL ?? '']);
}
