import { expect, refusedWith, test, type Tab } from '../fixtures';
import type { Model } from '../sandbox';

/** $0.00015 for what is read and $0.0006 for what is written, with the prices of the tests' catalog. */
const THOUSAND_EACH = { text: 'An answer.', usage: { prompt_tokens: 1_000, completion_tokens: 1_000 } };
const COST = '$0.00075';

async function askOnce(tab: Tab, model: Model): Promise<string> {
  const prompt = await model.script('What did this cost?', THOUSAND_EACH);
  await tab.chat.ask(prompt);
  return prompt;
}

test('From the price below an answer to its receipt: why it cost what it cost', async ({ chat, model, tab }) => {
  await askOnce(tab, model);
  await tab.usage.receiptLinks.click();
  await expect(tab.page).toHaveURL(/\/usage\/replies\/./);
  await tab.usage.isReady();
  await expect(tab.usage.heading).toHaveText('Receipt');
  await expect(tab.usage.amount).toHaveText(COST);
  await expect(tab.usage.chargeLines.nth(0)).toContainText(/1,000.*\$0\.15.*\$0\.00015/);
  await expect(tab.usage.chargeLines.nth(2)).toContainText(/1,000.*\$0\.60.*\$0\.0006/);
  await expect(tab.usage.charged).toHaveText(COST);
  await expect(tab.usage.attempts).toContainText(['everyday-first']);
  await expect(tab.usage.attempts).toContainText(['Answered']);
  await expect(tab.usage.entries).toContainText([`−${COST}`]);
  await tab.usage.main.getByRole('link', { name: /What did this cost/ }).first().click();
  await expect(chat.answers).toHaveText(['An answer.']);
});

test('The usage page shows what was spent by day, model and conversation', async ({ chat, model, tab }) => {
  const prompt = await askOnce(tab, model);
  await chat.ask(prompt);
  await tab.usage.open();
  await expect(tab.usage.total).toHaveText('$0.0015');
  await expect(tab.usage.chart).toBeVisible();
  await expect(tab.usage.table('By model')).toContainText('Everyday');
  await expect(tab.usage.table('By conversation').getByRole('row', { name: prompt })).toContainText('$0.0015');
  await expect(tab.usage.table('By day')).toBeHidden();
  await tab.page.getByRole('button', { name: 'The same in numbers' }).click();
  await expect(tab.usage.table('By day').getByRole('row')).toHaveCount(3);
  await expect(tab.usage.charges).toHaveCount(2);

  await tab.usage.periods.nth(1).click();
  await expect(tab.page).toHaveURL(/\/usage\?period=\d{4}-\d\d#spending$/);
  await expect(tab.usage.periods.nth(1)).toHaveAttribute('aria-current', 'true');
  await expect(tab.usage.total).toHaveText('$0.0015');
  await tab.page.goBack();
  await expect(tab.usage.periods.nth(0)).toHaveAttribute('aria-current', 'true');
});

test('The statement lists every change of the balance, and leads to receipts', async ({ chat, model, tab }) => {
  const prompt = await askOnce(tab, model);
  await chat.meter.click();
  await tab.usage.statementLink.click();
  await expect(tab.usage.heading).toHaveText('Statement');
  await expect(tab.usage.entries).toHaveCount(2);
  await expect(tab.usage.entries.nth(0)).toContainText(`Reply in ${prompt}`);
  await expect(tab.usage.entries.nth(0)).toContainText('$0.49925');
  await expect(tab.usage.entries.nth(1)).toContainText(/Monthly credit for \w+ \d{4}/);
  await expect(tab.usage.entries.nth(1)).toContainText('+$0.50');
  await tab.usage.entries.nth(0).getByRole('link').click();
  await expect(tab.usage.amount).toHaveText(COST);
});

test('Replies and statement can be kept as files', async ({ model, tab, chat }) => {
  const prompt = await askOnce(tab, model);
  await tab.usage.open();
  const replies = tab.page.waitForEvent('download');
  await tab.page.getByRole('link', { name: 'Download all as CSV' }).click();
  expect((await replies).suggestedFilename()).toBe('plumbline-replies-30-days.csv');
  await tab.usage.open('/usage/statement');
  const statement = tab.page.waitForEvent('download');
  await tab.page.getByRole('link', { name: 'Download all as CSV' }).click();
  expect((await statement).suggestedFilename()).toBe('plumbline-statement.csv');
  const file = await tab.page.request.get('/usage/statement.csv');
  expect(await file.text()).toContain(`Reply in ${prompt},-0.00075,0.49925,`);
});

test.describe('A reply that failed', () => {
  test.use({ expectedProblems: [refusedWith(404)] });

  test('was not charged, and its receipt says so; a receipt that is not there is missing', async ({ chat, model, tab }) => {
    const prompt = await model.script('Fail', { status: 500 });
    await chat.send(prompt);
    await chat.hasState(chat.answers.first(), 'failed');
    await expect(tab.usage.receiptLinks).toContainText('Not charged');
    await tab.usage.receiptLinks.click();
    await expect(tab.usage.amount).toHaveText('Not charged');
    await expect(tab.usage.attempts.first()).toContainText('No charge');
    await tab.usage.open();
    await expect(tab.usage.charges).toHaveCount(0);
    await tab.usage.open('/usage/replies/0190a0b0-0000-7000-8000-00000000ffff');
    await expect(tab.usage.heading).toHaveText('Nothing hangs here');
  });
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('chart, numbers, statement and receipts are all there', async ({ tab, openBrowser, person, model }) => {
    const writer = await openBrowser({ javaScriptEnabled: true });
    await writer.signInAs(person);
    await writer.chat.isReady();
    const prompt = await askOnce(writer, model);

    await tab.signInAs(person);
    await tab.page.goto('/usage');
    await expect(tab.usage.chart).toBeVisible();
    await expect(tab.usage.table('By day')).toBeVisible();
    await tab.usage.periods.nth(1).click();
    await expect(tab.usage.total).toHaveText(COST);
    await tab.usage.receiptLinks.click();
    await expect(tab.usage.amount).toHaveText(COST);
    await tab.page.goto('/usage/statement');
    await expect(tab.usage.entries.nth(0)).toContainText(prompt);
    await expect(tab.page.locator('.skeleton')).toHaveCount(0);
  });
});

test.describe('On a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });

  test('every amount is in view', async ({ chat, model, tab }) => {
    await askOnce(tab, model);
    for (const path of ['/usage', '/usage/statement']) {
      await tab.usage.open(path);
      const amounts = tab.usage.main.locator('td.amount:visible');
      for (const amount of await amounts.all()) {
        const box = await amount.boundingBox();
        expect(box && box.x >= 0 && box.x + box.width <= 360, `${path}: ${await amount.innerText()}`).toBe(true);
      }
      expect(await amounts.count()).toBeGreaterThan(0);
    }
  });
});
