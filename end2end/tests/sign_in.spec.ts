import { expect, refusedWith, test } from '../fixtures';

test('Refusing at the provider leads back with a message, and the next try goes where one wanted', async ({ tab, person }) => {
  const { signIn, picker } = tab;
  await tab.page.goto('/usage');
  await signIn.continueWithSandbox();
  await picker.refuse();
  await expect(tab.page).toHaveURL('/sign-in?error=refused&return_to=/usage');
  await expect(signIn.error).toContainText('The sign-in was cancelled');
  await expect(signIn.signInLink).toBeVisible();
  await signIn.continueWithSandbox();
  await picker.signInAs(person);
  await expect(tab.page).toHaveURL('/usage');
});

test('GitHub works as well', async ({ tab, person }) => {
  await tab.signIn.open();
  await tab.signIn.githubButton.click();
  await tab.picker.signInAs(person);
  await expect(tab.page).toHaveURL('/chat');
  await tab.account.open();
  await expect(tab.account.fact('Signs in with')).toHaveText('GitHub');
  await expect(tab.account.fact('Name')).toHaveText(person.name);
});

test('The same person comes back to the same conversations', async ({ chat, model, openBrowser, person }) => {
  const prompt = await model.script('Still here later', { text: 'Yes.' });
  await chat.ask(prompt);
  await chat.signOut();
  await expect(chat.signInLink).toBeVisible();
  const other = await openBrowser();
  await other.signInAs(person);
  await expect(other.chat.threads).toHaveText([prompt]);
});

for (const { path, heading } of [
  { path: '/chat', heading: 'New conversation' },
  { path: '/usage', heading: 'Usage' },
  { path: '/account', heading: 'Account' },
]) {
  test(`${path} asks to sign in, and is there afterwards`, async ({ tab, person }) => {
    await tab.page.goto(path);
    await expect(tab.page).toHaveURL(`/sign-in?return_to=${path}`);
    await tab.signIn.continueWithSandbox();
    await tab.picker.signInAs(person);
    await expect(tab.page).toHaveURL(path);
    await expect(tab.home.heading).toHaveText(heading);
  });
}

test('A link to a conversation leads through sign-in and back to it', async ({ chat, model, tab, person }) => {
  const prompt = await model.script('Find me by my address', { text: 'Found.' });
  await chat.ask(prompt);
  const address = tab.page.url();
  await chat.signOut();
  await expect(chat.signInLink).toBeVisible();
  await tab.page.goto(address);
  await expect(tab.page).toHaveURL(/\/sign-in\?return_to=/);
  await tab.signIn.continueWithSandbox();
  await tab.picker.signInAs(person);
  await expect(tab.page).toHaveURL(address);
  await expect(chat.answers).toHaveText(['Found.']);
});

test('"Start a conversation" on the front page leads through sign-in to the chat', async ({ tab, person }) => {
  await tab.home.open();
  await tab.home.main.getByRole('link', { name: 'Start a conversation' }).first().click();
  await expect(tab.page).toHaveURL('/sign-in?return_to=/chat');
  await tab.signIn.continueWithSandbox();
  await tab.picker.signInAs(person);
  await expect(tab.page).toHaveURL('/chat');
});

test('The sign-in page knows who is signed in already', async ({ chat, tab, person }) => {
  await expect(chat.menuButton).toBeVisible();
  await tab.signIn.open();
  await expect(tab.signIn.main).toContainText(`You are signed in as ${person.name}`);
});

test.describe('A strange way back', () => {
  for (const address of ['https://stranger.example/', '//stranger.example/', '/\\stranger.example/']) {
    test(`is not taken: ${address}`, async ({ tab, person }) => {
      await tab.page.goto(`/sign-in?return_to=${encodeURIComponent(address)}`);
      await tab.signIn.continueWithSandbox();
      await tab.picker.signInAs(person);
      await expect(tab.page).toHaveURL('/chat');
    });
  }
});

test.describe('A sign-in that was used before', () => {
  test.use({ expectedProblems: [refusedWith(400)] });

  test('is refused in words, with a way to begin again', async ({ tab, person }) => {
    const callbacks: string[] = [];
    tab.page.on('request', (request) => {
      if (request.url().includes('/auth/oidc/callback')) callbacks.push(request.url());
    });
    await tab.signInAs(person);
    const response = await tab.page.goto(callbacks[0]);
    expect(response?.status()).toBe(400);
    await expect(tab.home.heading).toHaveText('You are not signed in');
    await tab.page.getByRole('link', { name: 'Sign in again' }).click();
    await expect(tab.page).toHaveURL('/sign-in?return_to=/chat');
  });
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('signing in and out works', async ({ tab, person }) => {
    await tab.page.goto('/');
    await tab.home.signInLink.click();
    await tab.signIn.continueWithSandbox();
    await tab.picker.signInAs(person);
    await expect(tab.page).toHaveURL('/chat');
    await expect(tab.chat.minuteLeft).toHaveText('5');
    await tab.chat.signOut();
    await expect(tab.home.signInLink).toBeVisible();
    await tab.page.goto('/account');
    await expect(tab.page).toHaveURL('/sign-in?return_to=/account');
  });
});
