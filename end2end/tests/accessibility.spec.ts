import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { expect, refusedWith, test, type Tab } from '../fixtures';
import type { Model } from '../sandbox';
import type { Person } from '../pages/picker_page';

/** Everything the model can write. */
const EVERYTHING = `# Heading

A paragraph with \`code\`, **bold**, *emphasis*, ~~deleted~~ and [a link](https://example.test/).

> A quotation

1. one
2. two

- [x] done
- [ ] to do

| Fruit | Price |
| ----- | ----: |
| Apple |     2 |

\`\`\`rust
fn main() { println!("a rather long line that has to be scrolled to the side on each phone and many a laptop"); }
\`\`\`

---

![an image](https://example.test/image.png)
`;

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [device, viewport] of [
    ['desktop', { width: 1280, height: 800 }],
    ['phone', { width: 360, height: 740 }],
  ] as const) {
    test.describe(`No barrier (${colorScheme}, ${device})`, () => {
      test.use({ colorScheme, viewport, expectedProblems: [refusedWith(404, 429)] });

      test('on the pages for everybody', async ({ tab, person }) => {
        await tab.home.open();
        await hasNoBarrier(tab.page);
        await tab.signIn.open();
        await hasNoBarrier(tab.page);
        await tab.pricing.open();
        await hasNoBarrier(tab.page);
        await tab.page.goto('/sign-in?error=refused');
        await tab.signIn.isReady();
        await hasNoBarrier(tab.page);
        await tab.page.goto('/nowhere');
        await tab.home.isReady();
        await hasNoBarrier(tab.page);

        await tab.signInAs(person);
        await tab.chat.isReady();
        await hasNoBarrier(tab.page);
        await tab.usage.open();
        await hasNoBarrier(tab.page);
        await tab.usage.open('/usage/statement');
        await hasNoBarrier(tab.page);
        await tab.account.open();
        await hasNoBarrier(tab.page);
        await tab.apiKeys.open();
        await hasNoBarrier(tab.page);
        await tab.apiKeys.create('Laptop');
        await expect(tab.apiKeys.secret).toBeVisible();
        await expect(tab.apiKeys.row('Laptop')).toBeVisible();
        await hasNoBarrier(tab.page);
        await tab.apiKeys.revokeButton('Laptop').click();
        await expect(tab.apiKeys.question('Laptop')).toBeVisible();
        await hasNoBarrier(tab.page);
        await tab.pricing.open();
        await hasNoBarrier(tab.page);
        await tab.billing.open();
        await hasNoBarrier(tab.page);
        await tab.account.menuButton.click();
        await expect(tab.account.signOutButton).toBeVisible();
        await hasNoBarrier(tab.page);
      });

      test('in a conversation, while it is written and when it is refused', async ({ tab, person, model }) => {
        await aConversation(tab, person, model);
        await hasNoBarrier(tab.page);
        await tab.chat.spendingButton.click();
        await expect(tab.chat.threadUsed).toBeVisible();
        await hasNoBarrier(tab.page);
        await tab.page.keyboard.press('Escape');

        const endless = await model.script('Never end', { text: 'A word and more', stall_after_chunks: 1 });
        await tab.chat.send(endless);
        await expect(tab.chat.answers.nth(1)).toContainText('A');
        await hasNoBarrier(tab.page);
        await tab.chat.stopButton.click();
        await tab.chat.hasState(tab.chat.answers.nth(1), 'stopped');

        const failing = await model.script('Fail', { status: 500 });
        await tab.chat.send(failing);
        await tab.chat.hasState(tab.chat.answers.nth(2), 'failed');
        await hasNoBarrier(tab.page);

        const quick = await model.script('Quick', { text: 'Yes.' });
        await tab.chat.ask(quick);
        await tab.chat.ask(quick);
        await tab.chat.send('One too many');
        await expect(tab.chat.refusal).toBeVisible();
        await hasNoBarrier(tab.page);
        await tab.chat.composer.fill('x'.repeat(100_001));
        await expect(tab.chat.excess).toBeVisible();
        await hasNoBarrier(tab.page);

        await tab.usage.open();
        await expect(tab.usage.charges.first()).toBeVisible();
        await hasNoBarrier(tab.page);
        await tab.page.getByRole('button', { name: 'The same in numbers' }).click();
        await hasNoBarrier(tab.page);
        await tab.usage.open('/usage/statement');
        await hasNoBarrier(tab.page);
        await tab.usage.entries.first().getByRole('link').click();
        await expect(tab.usage.heading).toHaveText('Receipt');
        await hasNoBarrier(tab.page);
      });

      test('in the admin panel', async ({ tab }) => {
        await tab.signInAsOperator();
        await tab.admin.open();
        await hasNoBarrier(tab.page);
        await tab.admin.open('/admin');
        await hasNoBarrier(tab.page);
        for (const area of ['usage', 'audit', 'jobs', 'providers', 'stripe', 'system']) {
          await tab.admin.open(`/admin/${area}`);
          await hasNoBarrier(tab.page);
        }
      });

      test('on a page about a person, and while an operator sees the product as them', async ({ tab, person, model, openBrowser }) => {
        const theirs = await openBrowser();
        await theirs.signInAs(person);
        await theirs.chat.open();
        await theirs.chat.send(await model.script('Fail', { status: 500 }));
        await theirs.chat.hasState(theirs.chat.answers.first(), 'failed');
        await tab.signInAsOperator();
        await tab.admin.openPerson(person.name);
        await expect(tab.admin.failures).toHaveCount(1);
        await expect.poll(() => tab.page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
        await hasNoBarrier(tab.page);
        await tab.admin.fill('Give credit', { Dollars: '1', Why: 'A test' });
        await tab.admin.submit('give-credit');
        await expect(tab.admin.outcome).not.toBeEmpty();
        await hasNoBarrier(tab.page);
        await tab.admin.fill('See the product as this person', { Why: 'A test' });
        await hasNoBarrier(tab.page);
        await tab.admin.submit('begin-visit');
        await expect(tab.admin.visitBanner).toBeVisible();
        await hasNoBarrier(tab.page);
      });

      test('in the list of conversations', async ({ tab, person, model }) => {
        const prompt = await aConversation(tab, person, model);
        if (device === 'phone') {
          await tab.chat.openDrawerButton.click();
          await expect(tab.chat.newChatLink).toBeInViewport();
        }
        await hasNoBarrier(tab.page);
        await tab.chat.delete(prompt);
        await expect(tab.chat.undoButton).toBeVisible();
        await hasNoBarrier(tab.page);
      });
    });
  }
}

test.describe('With the keyboard alone', () => {
  test('from the front page to a sent message', async ({ tab, person, model }) => {
    const prompt = await model.script('Typed, never clicked', { text: 'Well done.' });
    const { page, home, signIn, picker, chat } = tab;
    await home.open();
    await tabTo(page, home.signInLink);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/sign-in');
    await tabTo(page, signIn.sandboxButton);
    await page.keyboard.press('Enter');
    await tabTo(page, picker.name);
    await page.keyboard.type(person.name);
    await tabTo(page, picker.email);
    await page.keyboard.type(person.email);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/chat');
    await chat.isReady();
    await expect(chat.composer).toBeFocused();
    await page.keyboard.type(prompt);
    await page.keyboard.press('Enter');
    await expect(chat.answers).toHaveText(['Well done.']);

    await tabTo(page, chat.anotherAnswerButton, 'Shift+Tab');
    await tabTo(page, chat.threads.first(), 'Shift+Tab');
    await tabTo(page, chat.meter, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/usage');
  });

  test('the skip link leads past the header', async ({ tab }) => {
    await tab.home.open();
    await tab.page.keyboard.press('Tab');
    await expect(tab.home.skipLink).toBeFocused();
    await expect(tab.home.skipLink).toBeInViewport();
    await tab.page.keyboard.press('Enter');
    await expect(tab.home.main).toBeFocused();
    await tab.page.keyboard.press('Tab');
    await expect(tab.home.main.getByRole('link').first()).toBeFocused();
  });

  test('a conversation is renamed, deleted and brought back', async ({ chat, tab, model }) => {
    const prompt = await model.script('Handled by keys', { text: 'Yes.' });
    await chat.ask(prompt);
    const { page } = tab;
    await tabTo(page, page.getByTestId('rename-thread'), 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('textbox', { name: 'New name' })).toBeFocused();
    await page.keyboard.type('Renamed');
    await page.keyboard.press('Enter');
    await expect(chat.threads).toHaveText(['Renamed']);
    await expect(chat.threads).toBeFocused();
    await tabTo(page, page.getByTestId('delete-thread'));
    await page.keyboard.press('Enter');
    await expect(chat.undoButton).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(chat.threads).toHaveText(['Renamed']);
  });

  test('the account menu opens, closes and signs out', async ({ chat, tab }) => {
    const { page } = tab;
    await tabTo(page, chat.menuButton, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expect(chat.signOutButton).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(chat.signOutButton).toBeHidden();
    await expect(chat.menuButton).toBeFocused();
    await page.keyboard.press('Enter');
    await tabTo(page, chat.signOutButton);
    await page.keyboard.press('Enter');
    await expect(tab.home.signInLink).toBeVisible();
  });
});

test('An answer is announced when it begins and when it is complete', async ({ chat, model, tab }) => {
  const prompt = await model.script('Say it aloud', { text: 'A **short** answer.', stall_after_chunks: 1 });
  // The note about the conversation's cap is a status, too.
  const said = chat.main.getByRole('status').and(tab.page.locator('p'));
  await chat.send(prompt);
  await expect(said).toHaveText('The answer is being written.');
  await chat.stopButton.click();
  await expect(said).toHaveText(/^The answer: A/);
  await tab.page.getByTestId('new-chat').click();
  await expect(tab.page.getByRole('status').filter({ hasText: 'New conversation' })).toHaveCount(1);
});

async function aConversation(tab: Tab, person: Person, model: Model): Promise<string> {
  const prompt = await model.script('Show me everything', { text: EVERYTHING });
  await tab.signInAs(person);
  await tab.chat.isReady();
  await tab.chat.ask(prompt);
  return prompt;
}

/** What axe finds, in a form that can be read in a report. */
async function hasNoBarrier(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html} ${node.any.map((check) => check.message).join('; ')}`),
  );
  expect(found, `barriers on ${page.url()}`).toEqual([]);
}

/** Presses Tab until the element has the focus; on each stop of the app the focus must be seen. */
async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  for (let stops = 0; stops < 60; stops++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
    expect(await seesFocus(page), 'the focus can be seen').toBe(true);
  }
  await expect(target, 'can be reached with Tab').toBeFocused();
}

/** Whether the focused element, or the frame of the composer around it, is marked. */
function seesFocus(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return true;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    if (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) return true;
    const frame = element.closest('form');
    return frame !== null && getComputedStyle(frame).boxShadow !== 'none';
  });
}
