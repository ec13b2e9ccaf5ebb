import { OwnDatabase } from '../database';
import { expect, test as base, type Tab } from '../fixtures';
import { CARDS } from '../pages/stripe_page';
import { HAS_SETTINGS, OwnServer } from '../server';
import { Stripe } from '../stripe';

interface Fixtures {
  /** Somebody who has bought nothing yet, on the page with the prices. */
  buyer: Tab;
  stripe: Stripe;
  server: OwnServer;
}

const test = base.extend<Fixtures>({
  buyer: async ({ tab, person }, use) => {
    await tab.signInAs(person);
    await tab.page.goto('/pricing');
    await use(tab);
  },
});

// A server with a database and an account at Stripe of its own, whose clock the test may move.
const ownTest = test.extend({
  stripe: async ({ playwright }, use) => {
    const request = await playwright.request.newContext();
    const stripe = new Stripe(request);
    await stripe.sync();
    await use(stripe);
    await request.dispose();
  },

  server: async ({ stripe }, use, testInfo) => {
    const database = new OwnDatabase();
    await database.create();
    const settings = { ...stripe.settings, DATABASE_URL: database.url };
    const server = await OwnServer.start(testInfo.outputPath('server.log'), settings);
    await stripe.tell(server.url);
    await use(server);
    await server.kill();
    await database.drop();
  },

  baseURL: async ({ server }, use) => use(server.url),
});

/** Subscribes to a plan, monthly. */
async function subscribe(tab: Tab, name: string, card = CARDS.good): Promise<void> {
  await tab.page.goto('/pricing');
  await tab.page.getByRole('button', { name: `Choose ${name}` }).click();
  await tab.stripe.payWith(card);
  await expect(tab.billing.heading).toHaveText(`${name} is yours`);
}

/** Opens the chat until the page says so: what Stripe tells is dealt with in the background. */
async function bannerSays(tab: Tab, text: string): Promise<void> {
  const said = async () => {
    await tab.chat.open();
    return (await tab.billing.banner.allInnerTexts()).join();
  };
  await expect.poll(said).toMatch(text ? new RegExp(text) : /^$/);
}

test('An upgrade with a good card: what was given is there when the page says so', async ({ buyer: tab, person }) => {
  await tab.pricing.isReady();
  await tab.pricing.yearly.click();
  await expect(tab.pricing.offer('pro')).toContainText('Saves $40');
  await tab.pricing.monthly.click();
  await tab.page.getByRole('button', { name: 'Choose Pro' }).click();
  await expect(tab.stripe.total).toHaveText('$20.00');
  await expect(tab.stripe.email).toHaveValue(person.email);
  await tab.stripe.payWith(CARDS.good);

  await expect(tab.billing.heading).toHaveText('Pro is yours');
  await expect(tab.billing.outcome).toContainText('$15.00 of credit each month');
  await expect(tab.billing.creditLeft).toHaveText('$15.00');
  await tab.page.getByRole('link', { name: 'See it under Billing' }).click();
  await expect(tab.billing.standing).toContainText('You have Pro. The next payment, $20, is on');
  await expect(tab.billing.card).toHaveText('Visa ending in 4242');
  await expect(tab.billing.invoices).toHaveCount(1);
  await expect(tab.billing.invoices).toContainText('Paid');
  await tab.billing.changePlanLink.click();
  await expect(tab.pricing.current).toHaveText('Pro');
});

test('A declined card buys nothing, and another one can be tried', async ({ buyer: tab }) => {
  await tab.page.getByRole('button', { name: 'Choose Max' }).click();
  await tab.stripe.payWith(CARDS.declined);
  await expect(tab.stripe.refusal).toContainText('declined');
  await tab.stripe.payWith(CARDS.good);
  await expect(tab.billing.heading).toHaveText('Max is yours');
});

test('A bank that wants to be asked is asked, and then it is paid', async ({ buyer: tab }) => {
  await tab.page.getByRole('button', { name: 'Choose Pro' }).click();
  await tab.stripe.payWith(CARDS.secure);
  await tab.stripe.completeButton.click();
  await expect(tab.billing.heading).toHaveText('Pro is yours');
});

test('Whoever turns back at Stripe has paid nothing and is on the page with the prices', async ({ buyer: tab }) => {
  await tab.page.getByRole('button', { name: 'Choose Pro' }).click();
  await tab.stripe.backLink.click();
  await expect(tab.pricing.heading).toHaveText('Plans and prices');
  await expect(tab.pricing.current).toHaveText('Free');
});

test('A pack is bought once, and its credit is there', async ({ buyer: tab }) => {
  await tab.page.getByRole('button', { name: 'Buy for $10' }).click();
  await tab.stripe.payWith(CARDS.good);
  await expect(tab.billing.heading).toHaveText('$10.00 added');
  await expect(tab.billing.creditLeft).toHaveText('$10.50');
  await tab.billing.open();
  await expect(tab.billing.packs).toHaveCount(1);
  await expect(tab.billing.packs).toContainText('$10 of credit');
});

test('A smaller plan waits for the end of the period, and can be taken back', async ({ buyer: tab }) => {
  await subscribe(tab, 'Max');
  await tab.pricing.open();
  await tab.page.getByRole('link', { name: 'Change to Pro' }).click();
  await expect(tab.billing.heading).toHaveText('From Max to Pro');
  await expect(tab.billing.consequences).toContainText('Nothing is charged now.');
  await tab.billing.confirmChangeButton.click();
  await expect(tab.billing.standing).toContainText(/You have Max until .* Then Pro begins, for \$20 a month\./);
  await tab.billing.keepButton.click();
  await expect(tab.billing.standing).toContainText('You have Max. The next payment, $100');
  await expect(tab.billing.standing).toBeFocused();
});

test('The rhythm of paying can be changed: to a year at once, back with the next period', async ({ buyer: tab }) => {
  await subscribe(tab, 'Pro');
  await tab.pricing.open();
  await tab.pricing.yearly.click();
  await tab.page.getByRole('link', { name: 'Change to Pro' }).click();
  await expect(tab.billing.heading).toHaveText('Pay Pro yearly');
  await tab.billing.confirmChangeButton.click();
  await expect(tab.billing.standing).toContainText('You have Pro. The next payment, $200');

  await tab.pricing.open();
  await tab.page.getByRole('link', { name: 'Change to Pro' }).click();
  await tab.billing.confirmChangeButton.click();
  await expect(tab.billing.standing).toContainText(/You have Pro\. From .* on it is \$20 a month\./);
});

test('Another card is put on file at Stripe, and charged from then on', async ({ buyer: tab }) => {
  await subscribe(tab, 'Pro');
  await tab.billing.open();
  await tab.billing.changeCardButton.click();
  await tab.stripe.card.fill(CARDS.mastercard);
  await tab.stripe.saveCardButton.click();
  const card = async () => {
    await tab.billing.open();
    return tab.billing.card.innerText();
  };
  await expect.poll(card).toBe('Mastercard ending in 4444');
});

test('A cancelled plan is kept before another one is chosen', async ({ buyer: tab }) => {
  await subscribe(tab, 'Pro');
  await tab.page.goto('/billing/cancel');
  await tab.billing.confirmCancelButton.click();
  await expect(tab.billing.standing).toContainText('Nothing more is charged.');
  await tab.pricing.open();
  await tab.pricing.offer('max').getByRole('link', { name: 'Keep your plan first' }).click();
  await tab.billing.keepButton.click();
  await expect(tab.billing.standing).toContainText('You have Pro. The next payment');
});

test('An upgrade whose bank wants to be asked waits for that, and is there once it is paid', async ({ buyer: tab }) => {
  await tab.page.getByRole('button', { name: 'Choose Pro' }).click();
  await tab.stripe.payWith(CARDS.alwaysSecure);
  await tab.stripe.completeButton.click();
  await expect(tab.billing.heading).toHaveText('Pro is yours');
  await tab.pricing.open();
  await tab.page.getByRole('link', { name: 'Change to Max' }).click();
  await tab.billing.confirmChangeButton.click();
  await expect(tab.stripe.heading).toHaveText('Invoice');

  await tab.billing.open();
  await expect(tab.billing.standing).toContainText('You have Pro. The next payment, $20');
  await tab.page.getByRole('link', { name: 'Pay and change' }).click();
  await tab.stripe.cardOnFileButton.click();
  await tab.stripe.completeButton.click();
  await expect(tab.stripe.status).toHaveText('paid');
  const standing = async () => {
    await tab.billing.open();
    return tab.billing.standing.innerText();
  };
  await expect.poll(standing).toContain('You have Max. The next payment, $100');
});

test('A cancelled plan stays until its end, and can be resumed', async ({ buyer: tab }) => {
  await subscribe(tab, 'Pro');
  await tab.billing.open();
  await tab.billing.cancelLink.click();
  await expect(tab.billing.heading).toHaveText('Cancel Pro?');
  await expect(tab.billing.consequences).toContainText('You keep Pro, its limits and its credit until');
  await tab.billing.confirmCancelButton.click();
  await expect(tab.billing.standing).toContainText(/You have Pro until .* Nothing more is charged\./);
  await tab.billing.keepButton.click();
  await expect(tab.billing.standing).toContainText('You have Pro. The next payment');
});

ownTest.describe('When a period is over', () => {
  ownTest.skip(!HAS_SETTINGS, 'needs the settings of the server: run it with bin/test');

  ownTest('a renewal that fails is said on every page, pauses replies in the end, and is whole again once paid', async ({
    buyer: tab,
    stripe,
  }) => {
    await subscribe(tab, 'Pro', CARDS.failsAtRenewal);
    await stripe.advance(32);
    await bannerSays(tab, 'Your last payment failed.');
    await expect(tab.chat.composer).toBeEditable();

    await stripe.advance(10);
    await bannerSays(tab, 'Replies are paused.');
    await expect(tab.chat.composer).not.toBeEditable();
    await tab.billing.payNowButton.click();
    await tab.stripe.payWith(CARDS.good);

    await bannerSays(tab, '');
    await expect(tab.chat.composer).toBeEditable();
    await tab.billing.open();
    await expect(tab.billing.standing).toContainText('You have Pro. The next payment');
  });

  ownTest('a smaller plan takes the place of the larger one when its period ends', async ({ buyer: tab, stripe }) => {
    await subscribe(tab, 'Max');
    await tab.pricing.open();
    await tab.page.getByRole('link', { name: 'Change to Pro' }).click();
    await tab.billing.confirmChangeButton.click();
    await expect(tab.billing.standing).toContainText('Then Pro begins');
    await stripe.advance(32);
    const standing = async () => {
      await tab.billing.open();
      return tab.billing.standing.innerText();
    };
    await expect.poll(standing).toContain('You have Pro. The next payment, $20');
  });
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a pack is bought by plain forms', async ({ buyer: tab }) => {
    await tab.page.getByRole('button', { name: 'Buy for $10' }).click();
    await tab.stripe.payWith(CARDS.good);
    await expect(tab.billing.heading).toHaveText('$10.00 added');
  });

  test('one subscribes, cancels and resumes by plain forms', async ({ buyer: tab }) => {
    await tab.pricing.yearly.click();
    await tab.page.getByRole('button', { name: 'Choose Pro' }).click();
    await expect(tab.stripe.total).toHaveText('$200.00');
    await tab.stripe.payWith(CARDS.good);
    await expect(tab.billing.heading).toHaveText('Pro is yours');
    await tab.page.goto('/billing/cancel');
    await tab.billing.confirmCancelButton.click();
    await expect(tab.billing.standing).toContainText('Nothing more is charged.');
    await tab.billing.keepButton.click();
    await expect(tab.billing.standing).toContainText('You have Pro. The next payment, $200');
  });

  test('pay as you go is switched on and off by plain forms', async ({ buyer: tab }) => {
    await subscribe(tab, 'Pro');
    await tab.page.goto('/billing');
    await tab.billing.overageAmount.fill('20');
    await tab.billing.overageSetButton.click();
    await expect(tab.billing.overageState).toHaveText('On');
    await tab.billing.overageStopButton.click();
    await expect(tab.billing.overageState).toHaveText('Off');
  });
});

test('Pay as you go is switched on with a cap, says what it leaves, and is switched off', async ({ buyer: tab }) => {
  await subscribe(tab, 'Pro');
  await tab.billing.open();
  await expect(tab.billing.overageState).toHaveText('Off');
  await expect(tab.billing.overage).toContainText('When your credit is used up, replies stop.');
  await tab.billing.overageAmount.fill('20');
  await tab.billing.overageSetButton.click();
  await expect(tab.billing.overageState).toHaveText('On');
  await expect(tab.billing.overage).toContainText('up to $20.00 a month');
  await expect(tab.billing.overageLeft).toHaveText('$20.00 of $20.00 left this month');
  await tab.page.reload();
  await expect(tab.billing.overageState).toHaveText('On');
  await tab.billing.overageStopButton.click();
  await expect(tab.billing.overageState).toHaveText('Off');
});
