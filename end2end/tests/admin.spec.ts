import { randomUUID } from 'node:crypto';
import { addDeadJob, addStripeEvent } from '../database';
import { expect, refusedWith, test, type Tab } from '../fixtures';
import type { Model } from '../sandbox';

async function askOnce(tab: Tab, model: Model): Promise<string> {
  const prompt = await model.script('Nobody else may read this', { text: 'Nor this.' });
  await tab.chat.ask(prompt);
  return prompt;
}

/** Another browser, in which an operator is on the person's page. */
async function operatorAt(name: string, openBrowser: () => Promise<Tab>): Promise<Tab> {
  const operator = await openBrowser();
  await operator.signInAsOperator();
  await operator.admin.openPerson(name);
  return operator;
}

test('An operator finds a person, gives credit, and both see it', async ({ chat, tab, person, openBrowser }) => {
  await expect(chat.creditLeft).toHaveText('$0.50');
  const operator = await openBrowser();
  await operator.signInAsOperator();
  await operator.chat.isReady();
  const { admin } = operator;
  await admin.menuButton.click();
  await admin.link.click();
  await expect(operator.page).toHaveURL('/admin');
  await expect(admin.heading).toHaveText('Overview');
  await admin.open();
  await admin.search.fill(person.name.toLowerCase());
  await admin.showButton.click();
  await expect(admin.people).toHaveCount(1);
  await expect(admin.people).toContainText(person.email);
  await admin.people.getByRole('link', { name: person.name }).click();
  await expect(admin.heading).toHaveText(person.name);
  await expect(admin.available).toHaveText('$0.50');

  await admin.fill('Give credit', { Dollars: '5.00', Why: 'Sorry for the outage' });
  await admin.submit('give-credit');
  await expect(admin.outcome).toHaveText('The credit is given.');
  await expect(admin.outcome).toBeFocused();
  await expect(admin.available).toHaveText('$5.50');
  await expect(admin.entries.first()).toContainText('Credit given by the operator');
  await expect(admin.entries.first()).toContainText('+$5.00');
  await expect(admin.events.first()).toContainText('Credit given');
  await expect(admin.events.first()).toContainText('Sorry for the outage');

  await tab.usage.open('/usage/statement');
  await expect(tab.usage.creditLeft).toHaveText('$5.50');
  await expect(tab.usage.entries.first()).toContainText('Credit given by the operator');
  await expect(tab.usage.entries.first()).toContainText('+$5.00');
});

test.describe('What cannot be done', () => {
  test.use({ expectedProblems: [refusedWith(400)] });

  test('is said beside its form, and changes nothing', async ({ chat, person, openBrowser }) => {
    await expect(chat.creditLeft).toHaveText('$0.50');
    const { admin } = await operatorAt(person.name, openBrowser);
    await admin.fill('Take credit', { Dollars: '2', Why: 'A mistake' });
    await admin.submit('take-credit');
    await expect(admin.error).toContainText('Only $0.50 is free to be taken. Nothing was changed.');
    await expect(admin.available).toHaveText('$0.50');
    await expect(admin.outcome).toBeEmpty();
  });
});

test.describe('A suspended account', () => {
  test.use({ expectedProblems: [refusedWith(403)] });

  test('gets no replies and is told so until the suspension is lifted', async ({ chat, tab, person, model, openBrowser }) => {
    const prompt = await askOnce(tab, model);
    const { admin } = await operatorAt(person.name, openBrowser);
    await admin.fill('Suspend', { Why: 'Complaints about spam' });
    await admin.submit('suspend');
    await expect(admin.outcome).toHaveText('The account is suspended.');
    await expect(admin.suspended).toBeVisible();

    await chat.send(prompt);
    await expect(tab.page.getByTestId('composer-closed')).toContainText('while your account is suspended');
    await expect(tab.billing.banner).toContainText('Your account is suspended.');
    await tab.usage.open();
    await expect(tab.billing.banner).toContainText('Reading, export and billing stay open.');
    await expect(tab.usage.charges).toHaveCount(1);

    await admin.fill('Lift the suspension', { Why: 'It was somebody else' });
    await admin.submit('resume');
    await expect(admin.outcome).toHaveText('The account is open again.');
    await tab.page.goto('/chat');
    await tab.chat.isReady();
    await expect(tab.billing.banner).toHaveCount(0);
    await tab.chat.ask(prompt);
  });
});

test('Whoever is signed out everywhere has to sign in again', async ({ chat, tab, person, openBrowser }) => {
  await expect(chat.menuButton).toBeVisible();
  const { admin } = await operatorAt(person.name, openBrowser);
  await admin.fill('Sign out everywhere', { Why: 'A stolen phone' });
  await admin.submit('sign-out-person');
  await expect(admin.outcome).toHaveText('Every session is ended.');
  await tab.page.goto('/usage');
  await expect(tab.page).toHaveURL('/sign-in?return_to=/usage');
});

test.describe('A visit', () => {
  test.use({ expectedProblems: [refusedWith(403)] });

  test('shows the product as the person sees it, changes nothing, and is left', async ({ tab, chat, person, model, openBrowser }) => {
    const prompt = await askOnce(tab, model);
    await expect(chat.threads).toHaveText([prompt]);
    const { admin, page, usage, ...operator } = await operatorAt(person.name, openBrowser);
    await admin.fill('See the product as this person', { Why: 'They miss a receipt' });
    await admin.submit('begin-visit');
    await expect(page).toHaveURL('/usage');
    await usage.isReady();
    await expect(admin.visitBanner).toContainText(`You see the product as ${person.name}`);
    await expect(usage.charges).toHaveCount(1);

    await usage.monthCap.amount.fill('1.00');
    await usage.monthCap.setButton.click();
    await expect(admin.error).toContainText('nothing can be changed');
    await page.goto('/chat');
    await operator.chat.isReady();
    await expect(operator.chat.threads).toHaveText(['Hidden from operators']);
    await expect(page.getByTestId('thread-search')).toHaveCount(0);
    await operator.chat.threads.click();
    await expect(operator.chat.answers).toHaveText(['Hidden from operators']);
    await expect(page.getByText(prompt)).toHaveCount(0);
    await operator.chat.send('In their name');
    await expect(operator.chat.refusal).toContainText('nothing can be changed');

    await expect(admin.endVisitButton).toBeInViewport();
    await admin.endVisitButton.click();
    await expect(page).toHaveURL(/\/admin\/people\/./);
    await expect(admin.heading).toHaveText(person.name);
    await expect(admin.visitBanner).toHaveCount(0);
    await expect(admin.events.nth(0)).toContainText('Visit ended');
    await expect(admin.events.nth(1)).toContainText('They miss a receipt');
  });
});

test('A dead job is tried again, and the log says by whom', async ({ tab }) => {
  await addDeadJob('purge_jobs', 'The database was away');
  await addDeadJob('purge_jobs', 'The database was away');
  let answer = () => {};
  const isSlow = new Promise<void>((resolve) => (answer = resolve));
  await tab.page.route('**/api/admin/jobs/retry*', async (route) => {
    await isSlow;
    await route.continue();
  });
  await tab.signInAsOperator();
  const { admin } = tab;
  await admin.open('/admin/jobs?kind=purge_jobs');
  await expect(admin.jobs).toHaveText([/The database was away/, /The database was away/]);
  await admin.retryButton.first().click();
  await expect(admin.retryButton).toHaveText(['One moment…', 'Try again']);
  answer();
  await expect(admin.outcome).toHaveText('The job is tried again in a moment.');
  await expect(admin.outcome).toBeFocused();
  await expect(admin.jobs).toHaveCount(1);
  await admin.open('/admin/audit?kind=job_retried');
  await expect(admin.events.first()).toContainText('purge_jobs');
});

test('A dead webhook is replayed, and dealt with', async ({ tab }) => {
  const customer = `cus_${randomUUID()}`;
  await addStripeEvent(customer, 'Stripe was away');
  await tab.signInAsOperator();
  const { admin } = tab;
  const open = () => admin.open(`/admin/stripe?state=all&customer=${customer}`);
  await open();
  await expect(admin.stripeEvents).toContainText('Stripe was away');
  await expect(admin.stripeEvents).toContainText('Not yet');
  await admin.replayButton.click();
  await expect(admin.outcome).toHaveText(/^Stripe is asked again/);
  await expect(admin.outcome).toBeFocused();
  await expect(async () => {
    await open();
    await expect(admin.stripeEvents).not.toContainText('Not yet', { timeout: 1 });
  }).toPass();
  await expect(admin.stripeEvents).not.toContainText('Stripe was away');
  await admin.open('/admin/audit?kind=stripe_event_replayed');
  await expect(admin.events.first()).toContainText(`evt_of_${customer}`);
});

test('A route that is closed is not asked until it is opened again', async ({ chat, tab, model, openBrowser }) => {
  const operator = await openBrowser();
  await operator.signInAsOperator();
  const { admin } = operator;
  const route = admin.route('thorough-first');
  await admin.open('/admin/providers');
  await expect(route).toContainText('Go through');
  try {
    await route.getByTestId('close-route').click();
    await expect(admin.outcome).toHaveText('The route is closed.');
    await expect(route).toContainText('Closed by an operator');

    await tab.page.getByTestId('model-picker').click();
    await tab.page.getByRole('option', { name: 'Thorough' }).click();
    const prompt = await model.script('Think hard', { text: 'Done.' });
    await chat.ask(prompt);
    await tab.usage.open();
    await tab.usage.receiptLinks.first().click();
    await expect(tab.usage.attempts).toHaveCount(1);
    await expect(tab.usage.attempts).toContainText('thorough-second');
  } finally {
    await route.getByTestId('reopen-route').click();
  }
  await expect(admin.outcome).toHaveText('The route is open again.');
  await expect(route).toContainText('Go through');
  await admin.open('/admin/audit?kind=route_closed');
  await expect(admin.events.first()).toContainText('thorough-first');
});

test('Each area of the panel is one press away, and says how things stand', async ({ tab }) => {
  await tab.signInAsOperator();
  const { admin, page } = tab;
  await admin.open();
  await page.getByRole('link', { name: 'Providers' }).click();
  await expect(admin.routes).toHaveCount(4);
  await expect(admin.routes.first()).toContainText('everyday-first');
  await page.getByRole('link', { name: 'Stripe' }).click();
  await expect(page.getByTestId('events-failed')).toHaveText(/^\d+$/);
  await page.getByRole('link', { name: 'Jobs' }).click();
  await expect(page.getByText('audit_money')).toBeVisible();
});

test('Prices are set for later and withdrawn, and the log says why', async ({ tab }) => {
  await tab.signInAsOperator();
  const { admin, page } = tab;
  await admin.open('/admin/providers');
  const model = page.getByTestId('model').last();
  await model.getByRole('button', { name: 'New prices' }).click();
  await model.getByLabel('Written ($)').first().fill('99.50');
  await model.getByLabel('From (UTC').fill('2099-01-01T00:00');
  await model.getByLabel('Why').first().fill('A contract to come');
  await model.getByTestId('add-prices').click();
  await expect(admin.outcome).toHaveText('The prices are set.');
  const toCome = model.getByTestId('price-row').filter({ hasText: 'To come' });
  await expect(toCome).toContainText('$99.50');
  await model.getByTestId('withdraw-prices').click();
  await expect(toCome).toHaveCount(0);
  await admin.open('/admin/audit?kind=prices_set');
  await expect(admin.events.first()).toContainText('A contract to come');
});

test.describe('Somebody who is no operator', () => {
  test.use({ expectedProblems: [refusedWith(404)] });

  test('is told that there is nothing', async ({ chat, tab }) => {
    await chat.menuButton.click();
    await expect(chat.signOutButton).toBeVisible();
    await expect(tab.admin.link).toHaveCount(0);
    for (const path of ['/admin', '/admin/people', '/admin/providers', '/admin/system', '/admin/audit']) {
      await tab.admin.open(path);
      await expect(tab.admin.heading).toHaveText('Nothing hangs here');
    }
  });
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a person is found and read, and credit is given', async ({ openBrowser, tab, person }) => {
    const theirs = await openBrowser({ javaScriptEnabled: true });
    await theirs.signInAs(person);
    await tab.signInAsOperator();
    await tab.page.goto(`/admin/people?search=${encodeURIComponent(person.name)}`);
    await tab.admin.people.getByRole('link', { name: person.name }).click();
    await expect(tab.admin.available).toHaveText('$0.50');
    const form = tab.page.locator('#give-credit');
    await form.getByLabel('Dollars').fill('1');
    await form.getByLabel('Why').fill('A test');
    await tab.admin.submit('give-credit');
    await expect(tab.admin.available).toHaveText('$1.50');
    await expect(tab.page.locator('.skeleton, [aria-busy="true"]')).toHaveCount(0);
  });
});
