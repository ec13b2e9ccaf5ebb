import { expect, test } from '../fixtures';
import { CARDS } from '../pages/stripe_page';

/** $0.0006 with the prices of the tests' catalog. */
const ANSWER = { text: 'An answer.', usage: { prompt_tokens: 0, completion_tokens: 1_000 } };

test('A bought pack brings a receipt, whose link leads to it', async ({ tab, person, mailbox }) => {
  await tab.signInAs(person);
  await tab.page.goto('/pricing');
  await tab.page.getByRole('button', { name: 'Buy for $10' }).click();
  await tab.stripe.payWith(CARDS.good);
  await expect(tab.billing.heading).toHaveText('$10.00 added');

  await tab.page.goto(await mailbox.pageOf(person.email, 'Receipt: $10.00 for $10.00 of credit'));
  await expect(tab.mail.body).toContainText('$10.00 of credit is yours, and it never expires.');
  await tab.mail.link('See the receipt').click();
  await expect(tab.stripe.heading).toHaveText('Receipt');
  await tab.billing.open();
  await expect(tab.billing.noticeBanner).toBeHidden();
});

test('Mails about spending are turned off by their own link, without signing in', async ({ chat, model, tab, person, mailbox, openBrowser }) => {
  const prompt = await model.script('Until the mail', ANSWER);
  await tab.usage.open();
  await tab.usage.monthCap.set('0.0011', 'Only warn me');
  await expect(tab.usage.capSaved).toHaveText('The cap is set.');
  await chat.open();
  await chat.ask(prompt);

  const elsewhere = await openBrowser({ javaScriptEnabled: false });
  await elsewhere.page.goto(await mailbox.pageOf(person.email, '50 % of your monthly cap is spent'));
  await elsewhere.mail.link('Choose which mails you get').click();
  await expect(elsewhere.page.getByRole('heading', { level: 1 })).toHaveText('Your e-mail');
  await elsewhere.page.getByRole('button', { name: /^Turn off: Spending/ }).click();
  await expect(elsewhere.page.getByRole('button', { name: /^Turn on: Spending/ })).toBeVisible();
  await expect(elsewhere.page.getByRole('button', { name: /^Turn off: A card/ })).toBeVisible();

  await tab.account.open();
  await expect(tab.account.mailSwitches.filter({ hasText: 'Spending' })).toContainText('Off');
  await tab.account.mailSwitches.getByRole('button', { name: /^Turn on: Spending/ }).click();
  await expect(tab.account.mailSwitches.filter({ hasText: 'Spending' })).toContainText('On');
});

test('Without a verified address the app tells it, until it is dismissed', async ({ tab, person }) => {
  await tab.signInAs({ ...person, emailState: 'unverified' });
  await tab.page.goto('/pricing');
  await tab.page.getByRole('button', { name: 'Buy for $10' }).click();
  await tab.stripe.email.fill(person.email);
  await tab.stripe.payWith(CARDS.good);
  await expect(tab.billing.heading).toHaveText('$10.00 added');

  const isTold = async () => {
    await tab.billing.open();
    return tab.billing.noticeRows.count();
  };
  await expect.poll(isTold).toBe(1);
  await expect(tab.billing.noticeRows).toContainText('Receipt: $10.00 for $10.00 of credit');
  await expect(tab.billing.noticeBanner).toContainText('$10.00 of credit is yours');
  await tab.billing.noticeBanner.getByRole('button', { name: 'Dismiss this notice' }).click();
  await expect(tab.billing.noticeBanner).toBeHidden();
  await tab.billing.open();
  await expect(tab.billing.noticeRows).toHaveCount(0);
});
