import type { Page } from '@playwright/test';
import { addUpDays } from '../database';
import { expect, refusedWith, test } from '../fixtures';

const WIDE_ANSWER = [
  `A word without end: ${'donaudampfschiff'.repeat(20)}`,
  `| ${Array.from({ length: 12 }, (_, i) => `A heading ${i}`).join(' | ')} |`,
  `|${' - |'.repeat(12)}`,
  `| ${Array.from({ length: 12 }, (_, i) => `A rather long cell ${i}`).join(' | ')} |`,
  '',
  `\`\`\`text\n${'a long line of code '.repeat(20)}\n\`\`\``,
  `https://example.test/${'path/'.repeat(40)}`,
].join('\n');

test.describe('Theme', () => {
  test('The switch goes round, the choice stays after a reload, and the server sends it at once', async ({ tab }) => {
    const { page, home } = tab;
    const root = page.locator('html');
    await home.open();
    await expect(root).toHaveAttribute('data-theme', 'system');
    const light = await ground(page);

    await home.themeSwitch.click();
    await expect(root).toHaveAttribute('data-theme', 'light');
    expect(await ground(page)).toBe(light);
    await home.themeSwitch.click();
    await expect(root).toHaveAttribute('data-theme', 'dark');
    expect(await ground(page)).not.toBe(light);

    const response = await page.reload();
    expect(await response?.text()).toContain('data-theme="dark"');
    await home.isReady();
    await expect(root).toHaveAttribute('data-theme', 'dark');
    await expect(home.themeSwitch).toHaveAccessibleName('Theme: dark. Switch to system.');
    await home.themeSwitch.click();
    await expect(root).toHaveAttribute('data-theme', 'system');
  });

  test('Without a choice, the page follows the system', async ({ tab }) => {
    await tab.home.open();
    const light = await ground(tab.page);
    await tab.page.emulateMedia({ colorScheme: 'dark' });
    expect(await ground(tab.page)).not.toBe(light);
  });

  test('The choice is seen without JavaScript', async ({ tab, openBrowser }) => {
    await tab.home.open();
    await tab.home.themeSwitch.click();
    await tab.home.themeSwitch.click();
    await expect(tab.page.locator('html')).toHaveAttribute('data-theme', 'dark');
    const storageState = await tab.page.context().storageState();
    const reader = await openBrowser({ javaScriptEnabled: false, storageState });
    await reader.page.goto('/');
    expect(await ground(reader.page)).toBe(await ground(tab.page));
  });
});

test.describe('On a phone', () => {
  test.use({
    viewport: { width: 360, height: 740 },
    isMobile: true,
    hasTouch: true,
    expectedProblems: [refusedWith(404, 429)],
  });

  test('No page scrolls sideways', async ({ tab, person, model }) => {
    await tab.home.open();
    await fitsTheWidth(tab.page);
    await tab.signIn.open();
    await fitsTheWidth(tab.page);
    await tab.pricing.open();
    await fitsTheWidth(tab.page);
    await tab.page.goto('/nowhere');
    await fitsTheWidth(tab.page);

    await tab.signInAs(person);
    await tab.chat.isReady();
    await fitsTheWidth(tab.page);
    const prompt = await model.script('x'.repeat(200), { text: WIDE_ANSWER });
    for (let i = 0; i < 5; i++) await tab.chat.ask(prompt);
    await fitsTheWidth(tab.page);
    await tab.chat.send('One too many');
    await expect(tab.chat.refusal).toBeVisible();
    await fitsTheWidth(tab.page);
    await expect(tab.chat.composer).toBeInViewport();

    await tab.usage.open();
    await fitsTheWidth(tab.page);
    await tab.usage.open('/usage/statement');
    await fitsTheWidth(tab.page);
    await tab.usage.entries.first().getByRole('link').click();
    await expect(tab.usage.heading).toHaveText('Receipt');
    await fitsTheWidth(tab.page);
    await tab.account.open();
    await fitsTheWidth(tab.page);
    await tab.apiKeys.open();
    await tab.apiKeys.create('x'.repeat(80));
    await expect(tab.apiKeys.secret).toBeVisible();
    await expect(tab.apiKeys.rows).toHaveCount(1);
    await fitsTheWidth(tab.page);
    await tab.apiKeys.revokeButton('x').click();
    await expect(tab.apiKeys.question('x')).toBeInViewport({ ratio: 1 });
    await fitsTheWidth(tab.page);
    await tab.billing.open();
    await fitsTheWidth(tab.page);
  });

  test('No page of the admin panel does either, and a visit can always be ended', async ({ tab, person, model, openBrowser }) => {
    const theirs = await openBrowser();
    await theirs.signInAs(person);
    await theirs.chat.isReady();
    await theirs.chat.ask(await model.script('Something to count', { text: 'One.' }));
    await addUpDays();
    await tab.signInAsOperator();
    await expect(async () => {
      await tab.admin.open('/admin');
      await expect(tab.page.getByTestId('figure-requests')).toBeVisible({ timeout: 1 });
    }).toPass();
    const areas = ['', '/usage', '/people', '/providers', '/stripe?state=all', '/jobs?state=done', '/system', '/audit'];
    for (const area of areas) {
      await tab.admin.open(`/admin${area}`);
      await fitsTheWidth(tab.page);
    }
    await tab.admin.openPerson(person.name);
    for (const deed of ['See the product as this person', 'Give credit', 'Override limits']) {
      await tab.admin.fill(deed, { Why: 'A test' });
    }
    await fitsTheWidth(tab.page);
    await tab.admin.submit('begin-visit');
    await expect(tab.admin.visitBanner).toBeVisible();
    await fitsTheWidth(tab.page);
    await tab.page.mouse.wheel(0, 2_000);
    await expect(tab.admin.endVisitButton).toBeInViewport({ ratio: 1 });
    await tab.chat.open();
    await expect(tab.chat.composer).toBeInViewport({ ratio: 1 });
    await expect(tab.admin.endVisitButton).toBeInViewport({ ratio: 1 });
  });

  test('The composer is always in view', async ({ chat, model, tab }) => {
    await expect(chat.composer).toBeInViewport({ ratio: 1 });
    await expect(chat.sendButton).toBeInViewport({ ratio: 1 });
    const prompt = await model.script('A long answer', { text: 'A paragraph.\n\n'.repeat(60) });
    await chat.ask(prompt);
    await expect(chat.composer).toBeInViewport({ ratio: 1 });
    await chat.composer.fill('line\n'.repeat(60));
    await expect(chat.sendButton).toBeInViewport({ ratio: 1 });
    await fitsTheWidth(tab.page);
  });

  test('Enter breaks the line, and the button sends', async ({ chat, model }) => {
    const prompt = await model.script('second line', { text: 'Read both lines.' });
    await expect(chat.composer).toHaveAttribute('enterkeyhint', 'enter');
    await expect(chat.keysHint).toHaveText('Enter breaks the line');
    await expect(chat.keysHint).toBeVisible();
    await chat.composer.fill('first line');
    await chat.composer.press('Enter');
    await chat.composer.pressSequentially(prompt);
    await expect(chat.composer).toHaveValue(`first line\n${prompt}`);
    await expect(chat.questions).toHaveCount(0);
    await chat.sendButton.tap();
    await expect(chat.questions).toHaveText([`first line\n${prompt}`], { useInnerText: true });
    await expect(chat.answers).toHaveText(['Read both lines.']);
  });

  test('The list of conversations opens and closes with the keyboard', async ({ chat, tab, model }) => {
    const prompt = await model.script('In the drawer', { text: 'Yes.' });
    await chat.ask(prompt);
    await expect(chat.newChatLink).toBeHidden();
    await chat.openDrawerButton.focus();
    await tab.page.keyboard.press('Enter');
    await expect(chat.openDrawerButton).toHaveAttribute('aria-expanded', 'true');
    await expect(chat.newChatLink).toBeInViewport();
    await expect(chat.closeDrawerButton).toBeFocused();
    await tab.page.keyboard.press('Escape');
    await expect(chat.newChatLink).toBeHidden();
    await expect(chat.openDrawerButton).toBeFocused();

    await tab.page.keyboard.press('Enter');
    await expect(chat.closeDrawerButton).toBeFocused();
    await tab.page.keyboard.press('Enter');
    await expect(chat.newChatLink).toBeHidden();
    await expect(chat.openDrawerButton).toBeFocused();
  });

  test('The list of conversations opens and closes with the finger', async ({ chat, tab, model }) => {
    const prompt = await model.script('Touched', { text: 'Yes.' });
    await chat.ask(prompt);
    await chat.openDrawerButton.tap();
    await expect(chat.newChatLink).toBeInViewport();
    await chat.newChatLink.tap();
    await expect(tab.page).toHaveURL('/chat');
    await expect(chat.newChatLink).toBeHidden();
    await chat.openDrawerButton.tap();
    await chat.threads.first().tap();
    await expect(chat.answers).toHaveText(['Yes.']);
    await expect(chat.newChatLink).toBeHidden();
    await chat.openDrawerButton.tap();
    await expect(chat.newChatLink).toBeInViewport();
    await tab.page.touchscreen.tap(350, 400);
    await expect(chat.newChatLink).toBeHidden();
  });

  test('A finger finds the thumbs, and naming a conversation does not enlarge the page', async ({ chat, model, tab }) => {
    const prompt = await model.script('Rate me', { text: 'Good?' });
    const answer = await chat.ask(prompt);
    for (const name of ['Good answer', 'Bad answer'] as const) {
      const box = await chat.ratingOf(answer, name).boundingBox();
      expect(box && Math.min(box.width, box.height), name).toBeGreaterThanOrEqual(24);
    }
    await chat.openDrawerButton.tap();
    await chat.thread(prompt).getByTestId('rename-thread').tap();
    await expect(tab.page.getByRole('textbox', { name: 'New name' })).toHaveCSS('font-size', '16px');
  });

  test('The meter shows what is left', async ({ chat }) => {
    await expect(chat.minuteLeft).toBeInViewport();
    await expect(chat.creditLeft).toBeInViewport();
  });
});

/** The colour behind everything. */
function ground(page: Page): Promise<string> {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

/** Nothing sticks out, and the browser has not zoomed out to make it fit. */
async function fitsTheWidth(page: Page): Promise<void> {
  const widths = () => page.evaluate(() => [window.innerWidth, document.documentElement.scrollWidth]);
  const { width } = page.viewportSize() ?? { width: 0 };
  await expect.poll(widths, `width of ${page.url()}`).toEqual([width, width]);
}
