import { readFile } from 'node:fs/promises';
import { expect, test } from '../fixtures';

test("One's data is a file", async ({ chat, tab, person, model }) => {
  const prompt = await model.script('For the record', { text: 'So be it.' });
  await chat.ask(prompt);
  await tab.account.open();
  const download = tab.page.waitForEvent('download');
  await tab.account.downloadLink.click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('plumbline-data.json');
  const data = JSON.parse(await readFile(await file.path(), 'utf8'));
  expect(data.people[0].name).toBe(person.name);
  expect(data.conversations[0].messages.map((message: { content: string }) => message.content)).toEqual([prompt, 'So be it.']);
});

test('An account is deleted after two weeks, and kept after all', async ({ chat, tab }) => {
  const { page, account } = tab;
  await expect(chat.menuButton).toBeVisible();
  await account.open();
  await account.deleteLink.click();
  await expect(page).toHaveURL('/account/delete');
  await expect(account.heading).toHaveText('Delete your account');
  await expect(account.consequences).toContainText('accounting law');
  // Nothing is sent without the tick: the browser asks for it.
  await account.deleteButton.click();
  await expect(page).toHaveURL('/account/delete');
  await account.confirmBox.check();
  await account.deleteButton.click();
  await expect(page).toHaveURL('/account');
  await expect(account.erasureBanner).toContainText('Your account will be erased on');

  await page.goto('/chat');
  await chat.isReady();
  await expect(account.erasureBanner).toBeVisible();
  await account.keepButton.click();
  await expect(page).toHaveURL('/account');
  await account.isReady();
  await expect(account.erasureBanner).toHaveCount(0);
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('an account is deleted and kept all the same', async ({ tab, person }) => {
    const { page, account } = tab;
    await tab.signInAs(person);
    await page.goto('/account/delete');
    await account.confirmBox.check();
    await account.deleteButton.click();
    await expect(page).toHaveURL('/account');
    await expect(account.erasureBanner).toBeVisible();
    await account.keepButton.click();
    await expect(page).toHaveURL('/account');
    await expect(account.erasureBanner).toHaveCount(0);
  });
});
