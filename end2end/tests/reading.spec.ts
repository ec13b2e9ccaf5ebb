import { expect, refusedWith, test } from '../fixtures';

// Every page is complete as the server sends it. Only writing needs JavaScript.
test.use({ javaScriptEnabled: false });

const UNFINISHED = '.skeleton, [aria-busy="true"], .waiting';

test('The front page is complete', async ({ tab }) => {
  await tab.page.goto('/');
  await expect(tab.home.heading).toHaveText(/Chat with a model/);
  await expect(tab.home.main).toContainText('5 requests in any minute');
  await expect(tab.home.main).toContainText('$0.50 of credit');
  await expect(tab.page.locator(UNFINISHED)).toHaveCount(0);
  await expect(tab.home.themeSwitch).toBeHidden();
});

test('The sign-in page is complete', async ({ tab }) => {
  await tab.page.goto('/sign-in');
  await expect(tab.signIn.heading).toHaveText('Sign in');
  await expect(tab.signIn.sandboxButton).toBeVisible();
  await expect(tab.signIn.githubButton).toBeVisible();
  await expect(tab.page.locator(UNFINISHED)).toHaveCount(0);
});

test.describe('A page that does not exist', () => {
  test.use({ expectedProblems: [refusedWith(404)] });

  test('says so, with its status', async ({ tab }) => {
    const response = await tab.page.goto('/nowhere');
    expect(response?.status()).toBe(404);
    await expect(tab.home.heading).toBeVisible();
    await expect(tab.home.main.getByRole('link', { name: 'Go to the front page' })).toBeVisible();
  });
});

test('A conversation, its usage and the account are complete', async ({ tab, openBrowser, person, model }) => {
  const prompt = await model.script('Read me without JavaScript', {
    text: 'An answer with **bold words**.\n\n| A | B |\n| - | - |\n| 1 | 2 |\n\n```rust\nfn main() {}\n```',
  });
  const writer = await openBrowser({ javaScriptEnabled: true });
  await writer.signInAs(person);
  await writer.chat.isReady();
  await writer.chat.ask(prompt);
  await expect(writer.page).toHaveURL(/\/chat\/./);

  await tab.signInAs(person);
  await expect(tab.chat.heading).toHaveText('New conversation');
  await expect(tab.chat.threads).toHaveText([prompt]);
  await tab.chat.threads.click();
  await expect(tab.page).toHaveURL(writer.page.url());
  await expect(tab.chat.heading).toHaveText(prompt);
  await expect(tab.chat.questions).toHaveText([prompt]);
  await expect(tab.chat.answers.getByText('bold words')).toBeVisible();
  await expect(tab.chat.answers.getByRole('cell')).toHaveText(['1', '2']);
  await expect(tab.chat.answers.locator('pre')).toHaveText('fn main() {}\n', { useInnerText: true });
  await expect(tab.chat.scriptNeeded).toHaveText(/sending a message needs it/, { useInnerText: true });
  await expect(tab.chat.composer).toBeHidden();
  await expect(tab.chat.answers.getByRole('button', { name: 'Copy' })).toBeHidden();
  await expect(tab.page.locator(UNFINISHED)).toHaveCount(0);

  await tab.chat.meter.click();
  await expect(tab.usage.heading).toHaveText('Usage');
  await expect(tab.usage.charges).toHaveCount(1);
  await expect(tab.usage.charges).toContainText(prompt);
  await expect(tab.usage.charges).toContainText('UTC');
  await expect(tab.usage.main).toContainText('4 of 5 left');
  await expect(tab.page.locator(UNFINISHED)).toHaveCount(0);

  await tab.page.goto('/account');
  await expect(tab.account.heading).toHaveText('Account');
  await expect(tab.account.fact('Name')).toHaveText(person.name);
  await expect(tab.account.sessions).toHaveCount(2);
  await expect(tab.page.locator(UNFINISHED)).toHaveCount(0);
});

test('On a phone, the list of conversations stands on the page', async ({ tab, openBrowser, person, model }) => {
  const prompt = await model.script('Found on a small page', { text: 'Found.' });
  const writer = await openBrowser({ javaScriptEnabled: true });
  await writer.signInAs(person);
  await writer.chat.isReady();
  await writer.chat.ask(prompt);
  await tab.page.setViewportSize({ width: 360, height: 740 });
  await tab.signInAs(person);
  await expect(tab.chat.threads).toHaveText([prompt]);
  await expect(tab.chat.threads).toBeVisible();
});
