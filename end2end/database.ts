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

/** Has the shared server add up what the overview shows, now and not within five minutes. */
export async function addUpDays(): Promise<void> {
  await sql(`insert into jobs (id, kind, payload, serial_key, max_attempts)
    values (gen_random_uuid(), 'add_up_days', 'null', 'add_up_days', 3)`);
}

/** An event of Stripe's that the shared server could not deal with. It is of a customer of nobody here. */
export async function addStripeEvent(customer: string, error: string): Promise<void> {
  const payload = JSON.stringify({
    id: `evt_of_${customer}`,
    object: 'event',
    type: 'customer.updated',
    data: { object: { id: customer, object: 'customer' } },
  });
  await sql(`insert into stripe_events (id, type, is_live, customer_id, payload, error)
    values ('evt_of_${customer}', 'customer.updated', false, '${customer}', '${payload}', '${error}')`);
}

/** Conversations of somebody without a word in them, "Talk 1" the newest, an hour between two. */
export async function addConversations(name: string, count: number): Promise<void> {
  await sql(`insert into threads (id, account_id, title, created_at, updated_at)
    select gen_random_uuid(), account_id, 'Talk ' || n, now() - n * interval '1 hour', now() - n * interval '1 hour'
    from users, generate_series(1, ${count}) n where display_name = '${name}'`);
}

async function sql(command: string): Promise<void> {
  await run('psql', ['--quiet', '--no-psqlrc', '--command', command, process.env.DATABASE_URL ?? '']);
}
