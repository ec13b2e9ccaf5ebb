import { randomUUID } from 'node:crypto';
import { expect, type APIRequestContext } from '@playwright/test';
import { SANDBOX_URL } from './sandbox';
import { plumbline } from './server';

/** An account at the sandbox's Stripe that belongs to one test: so its clock can be moved. */
export class Stripe {
  private readonly key = `sk_test_${randomUUID().replaceAll('-', '')}`;
  private readonly secret = `whsec_${randomUUID()}`;

  constructor(private readonly request: APIRequestContext) {}

  /** What makes a server take payments with it. */
  get settings(): Record<string, string> {
    return {
      STRIPE_SECRET_KEY: this.key,
      STRIPE_API_URL: `${SANDBOX_URL}/stripe/`,
      STRIPE_WEBHOOK_SECRETS: this.secret,
    };
  }

  /** Makes the products and prices, as an operator does. */
  async sync(): Promise<void> {
    await plumbline(['stripe', 'sync'], this.settings);
  }

  /** Sends webhooks to this server, and marks a subscription whose retries are used up as unpaid. */
  async tell(serverUrl: string): Promise<void> {
    await this.control('webhooks/endpoints', { url: `${serverUrl}/webhooks/stripe`, secret: this.secret });
    await this.control('settings', { after_retries: 'mark_unpaid' });
  }

  /** Moves the clock, and waits until all that happened meanwhile has been told. */
  async advance(days: number): Promise<void> {
    await this.control('advance', { days, settle: true });
  }

  private async control(path: string, data: object): Promise<void> {
    const response = await this.request.post(`${SANDBOX_URL}/control/stripe/${this.key}/${path}`, { data });
    expect(response.ok(), await response.text()).toBe(true);
  }
}
