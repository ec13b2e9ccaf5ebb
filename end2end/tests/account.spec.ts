import { expect, refusedWith, test } from '../fixtures';

test('The account page says who one is', async ({ chat, tab, person }) => {
  await chat.menuButton.click();
  await tab.page.getByRole('link', { name: 'Account and devices' }).click();
  await expect(tab.page).toHaveURL('/account');
  await expect(tab.account.heading).toHaveText('Account');
  await expect(tab.account.fact('Name')).toHaveText(person.name);
  await expect(tab.account.fact('E-mail')).toHaveText(person.email);
  await expect(tab.account.fact('Signs in with')).toHaveText('Sandbox');
});

test('An e-mail address that the provider does not confirm is shown as not verified', async ({ tab, person }) => {
  await tab.signInAs({ ...person, emailState: 'unverified' });
  await tab.account.open();
  await expect(tab.account.fact('E-mail')).toContainText(person.email);
  await expect(tab.account.fact('E-mail')).toContainText('Not verified');
});

test('An e-mail address that is not shared is said to be missing', async ({ tab, person }) => {
  await tab.signInAs({ ...person, email: '', emailState: 'missing' });
  await tab.account.open();
  await expect(tab.account.fact('E-mail')).toHaveText('Not shared by your provider');
});

test('Signing out ends the session', async ({ chat, tab }) => {
  await chat.signOut();
  await expect(tab.page).toHaveURL('/');
  await expect(tab.home.signInLink).toBeVisible();
  await expect(tab.home.meter).toHaveCount(0);
  await tab.page.goto('/account');
  await expect(tab.page).toHaveURL('/sign-in?return_to=/account');
});

test('After signing out, Back shows nothing of the conversation', async ({ chat, model, tab }) => {
  const prompt = await model.script('For my eyes only', { text: 'A secret.' });
  await chat.ask(prompt);
  // As the server sends it, whole: what a browser might keep.
  await tab.page.reload();
  await chat.isReady();
  await expect(chat.answers).toHaveText(['A secret.']);
  // The page is left for good: nothing of it stays in memory.
  const isLoaded = tab.page.waitForEvent('load');
  await chat.signOut();
  await isLoaded;
  await expect(tab.page).toHaveURL('/');
  await tab.home.isReady();
  await expect(tab.home.signInLink).toBeVisible();
  await tab.page.evaluate(() => history.back());
  await expect(tab.page).toHaveURL(/\/sign-in\?return_to=/);
  await expect(tab.page.locator('body')).not.toContainText('A secret.');
});

test('Signing out works from the account page, too', async ({ chat, tab }) => {
  await expect(chat.menuButton).toBeVisible();
  await tab.account.open();
  await tab.account.signOutHereButton.click();
  await expect(tab.page).toHaveURL('/');
  await expect(tab.home.signInLink).toBeVisible();
});

test('One device can be signed out from another', async ({ chat, tab, openBrowser, person }) => {
  await expect(chat.menuButton).toBeVisible();
  const lost = await openBrowser();
  await lost.signInAs(person);
  await lost.chat.isReady();

  await tab.account.open();
  await expect(tab.account.sessions).toHaveCount(2);
  await tab.account.otherSessions.getByTestId('revoke-session').click();
  await expect(tab.account.sessions).toHaveCount(1);
  await expect(tab.account.sessions).toContainText('This browser');

  await lost.page.goto('/usage');
  await expect(lost.page).toHaveURL('/sign-in?return_to=/usage');
  await tab.usage.open();
  await expect(tab.usage.heading).toHaveText('Usage');
});

test('"Sign out everywhere" ends every session', async ({ chat, tab, openBrowser, person }) => {
  await expect(chat.menuButton).toBeVisible();
  const other = await openBrowser();
  await other.signInAs(person);
  await other.account.open();
  await expect(other.account.sessions).toHaveCount(2);
  await other.account.signOutEverywhereButton.click();
  await expect(other.home.signInLink).toBeVisible();
  await tab.page.goto('/account');
  await expect(tab.page).toHaveURL('/sign-in?return_to=/account');
});

test.describe('A session that ended elsewhere', () => {
  test.use({ expectedProblems: [refusedWith(401)] });

  test('keeps the text, offers to sign in, and brings it back', async ({ chat, tab, openBrowser, person, model }) => {
    const prompt = await model.script('Written before the session ended', { text: 'Sent after all.' });
    const other = await openBrowser();
    await other.signInAs(person);
    await other.account.open();
    await other.account.signOutEverywhereButton.click();
    await expect(other.home.signInLink).toBeVisible();

    await chat.send(prompt);
    await expect(chat.refusal).toContainText('Sign in to go on');
    await expect(chat.composer).toHaveValue(prompt);
    await chat.refusal.getByRole('link', { name: 'Sign in' }).click();
    await tab.signIn.continueWithSandbox();
    await tab.picker.signInAs(person);
    await expect(tab.page).toHaveURL('/chat');
    await chat.isReady();
    await expect(chat.composer).toHaveValue(prompt);
    await chat.sendButton.click();
    await expect(chat.answers).toHaveText(['Sent after all.']);
  });
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('another device can be signed out, and then all', async ({ tab, openBrowser, person }) => {
    await tab.signInAs(person);
    const other = await openBrowser();
    await other.signInAs(person);
    await tab.page.goto('/account');
    await expect(tab.account.sessions).toHaveCount(2);
    await tab.account.otherSessions.getByTestId('revoke-session').click();
    await expect(tab.page).toHaveURL('/account');
    await expect(tab.account.sessions).toHaveCount(1);
    await tab.account.signOutEverywhereButton.click();
    await expect(tab.home.signInLink).toBeVisible();
  });
});
