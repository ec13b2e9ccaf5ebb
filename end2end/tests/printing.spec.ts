import type { Locator, Page } from '@playwright/test';
import { expect, test } from '../fixtures';

test.use({ colorScheme: 'dark' });

test('A conversation is printed whole, without what can only be pressed, in black on white', async ({ chat, model, tab }) => {
  const text = `First.\n\n${'A paragraph.\n\n'.repeat(80)}See [the notes](https://example.test/notes).\n\nLast.`;
  await chat.ask(await model.script('Fill some pages', { text }));
  const transcript = tab.page.getByRole('region', { name: 'Messages' });
  expect(await hiddenHeight(transcript)).toBeGreaterThan(0);

  await tab.page.emulateMedia({ media: 'print' });
  expect(await hiddenHeight(transcript)).toBe(0);
  expect(await tab.page.evaluate(() => document.body.scrollHeight)).toBeGreaterThan(2_000);
  for (const part of [chat.composer, chat.drawer, chat.meter, chat.sendButton, chat.spendingButton]) {
    await expect(part).toBeHidden();
  }
  await expect(chat.heading).toBeVisible();
  await expect(chat.questions).toBeVisible();
  await isBlackOnWhite(tab.page);
  const address = chat.answers.getByRole('link', { name: 'the notes' });
  const shown = await address.evaluate((link) => getComputedStyle(link, '::after').content);
  expect(shown).toContain('https://example.test/notes');
});

test('Usage, a receipt and billing are printed whole', async ({ chat, model, tab }) => {
  await chat.ask(await model.script('Something to pay for', { text: 'Here it is.' }));
  await tab.usage.open();
  await tab.page.emulateMedia({ media: 'print' });
  await expect(tab.usage.table('By day'), 'what is folded away on the screen').toBeVisible();
  await expect(tab.usage.charges).toBeVisible();
  await expect(tab.usage.meter).toBeHidden();
  await isBlackOnWhite(tab.page);

  await tab.usage.receiptLinks.click();
  await expect(tab.usage.amount).toBeVisible();
  await isBlackOnWhite(tab.page);

  await tab.billing.open();
  await expect(tab.billing.standing).toBeVisible();
  await expect(tab.page.getByRole('contentinfo')).toBeHidden();
  await isBlackOnWhite(tab.page);
});

/** What can be reached by scrolling only. */
function hiddenHeight(frame: Locator): Promise<number> {
  return frame.evaluate((element) =>
    getComputedStyle(element).overflowY === 'visible' ? 0 : element.scrollHeight - element.clientHeight,
  );
}

async function isBlackOnWhite(page: Page): Promise<void> {
  const colours = await page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    return [backgroundColor, color];
  });
  expect(colours).toEqual(['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
}
