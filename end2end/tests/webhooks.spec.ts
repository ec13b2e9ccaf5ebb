import Stripe from 'stripe';
import { expect, test } from '@playwright/test';

// What the server under test was told; see bin/environment.
const SECRET = (process.env.STRIPE_WEBHOOK_SECRETS ?? 'whsec_sandbox').split(',')[0];

/** An event that concerns nobody here, as Stripe sends it. */
function event(): string {
  return JSON.stringify({
    id: `evt_${crypto.randomUUID()}`,
    object: 'event',
    type: 'customer.updated',
    api_version: '2026-09-30.endive',
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    pending_webhooks: 1,
    request: null,
    data: { object: { id: `cus_${crypto.randomUUID()}`, object: 'customer' } },
  });
}

test('An event signed by Stripe’s own library is taken, and not one that was changed or signed with another secret', async ({
  request,
}) => {
  const payload = event();
  const sign = (secret: string) => Stripe.webhooks.generateTestHeaderString({ payload, secret });
  const deliver = async (data: string, signature: string) => {
    const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
    return (await request.post('/webhooks/stripe', { data, headers })).status();
  };
  expect(await deliver(payload.replace('customer.updated', 'customer.deleted'), sign(SECRET))).toBe(400);
  expect(await deliver(payload, sign('whsec_of_somebody_else'))).toBe(400);
  expect(await deliver(payload, sign(SECRET))).toBe(200);
});
