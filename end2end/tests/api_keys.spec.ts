import { expect, test } from '../fixtures';

const KEY = /^plb_[\w-]{49}$/;

test('A key is created, shown once, copied and listed', async ({ chat, tab }) => {
  const { page, apiKeys } = tab;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await chat.menuButton.click();
  await page.getByRole('link', { name: 'API keys' }).click();
  await expect(page).toHaveURL('/api-keys');
  await expect(apiKeys.heading).toHaveText('API keys');
  await expect(apiKeys.empty).toBeVisible();

  await apiKeys.create('Laptop');
  await expect(apiKeys.secret).toHaveText(KEY);
  await expect(apiKeys.newKey).toContainText('it is not shown again');
  await expect(apiKeys.newKey).toBeFocused();
  await expect(apiKeys.name).toHaveValue('');
  const secret = await apiKeys.secret.innerText();
  await apiKeys.copyKeyButton.click();
  await expect(apiKeys.copyKeyButton).toHaveText('Copied');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await expect(apiKeys.rows).toHaveCount(1);
  await expect(apiKeys.row('Laptop')).toContainText(`plb_…${secret.slice(-4)}`);
  await expect(apiKeys.row('Laptop')).toContainText('Last used never');

  await page.reload();
  await apiKeys.isReady();
  await expect(apiKeys.rows).toHaveCount(1);
  await expect(apiKeys.newKey).toHaveCount(0);
  expect(await page.content()).not.toContain(secret);
});

test('The example is for this place, and can be copied', async ({ chat, tab, baseURL }) => {
  const { page, apiKeys } = tab;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await expect(chat.menuButton).toBeVisible();
  await apiKeys.open();
  await expect(apiKeys.baseUrl).toHaveText(new URL('/v1', baseURL).href);
  await apiKeys.copyExampleButton.click();
  await expect(apiKeys.copyExampleButton).toHaveText('Copied');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain(new URL('/v1/chat/completions', baseURL).href);
  await expect(apiKeys.example).toHaveText(copied, { useInnerText: true });
});

test('A key is revoked once that is confirmed', async ({ chat, tab }) => {
  const { apiKeys } = tab;
  await expect(chat.menuButton).toBeVisible();
  await apiKeys.open();
  for (const name of ['Laptop', 'Server']) {
    await apiKeys.create(name);
    await expect(apiKeys.newKey).toContainText(name);
    await expect(apiKeys.row(name)).toBeVisible();
  }
  await apiKeys.revokeButton('Laptop').click();
  await expect(apiKeys.question('Laptop')).toContainText('Programs that use this key are refused from then on.');
  await apiKeys.question('Laptop').getByRole('button', { name: 'Keep it' }).click();
  await expect(apiKeys.question('Laptop')).toBeHidden();
  await expect(apiKeys.rows).toHaveCount(2);

  await apiKeys.revokeButton('Laptop').click();
  await apiKeys.confirmButton('Laptop').click();
  await expect(apiKeys.rows).toHaveCount(1);
  await expect(apiKeys.row('Server')).toBeVisible();
  await expect(apiKeys.outcome).toContainText('The key is revoked');
});

test('With the keyboard alone a key is created and revoked', async ({ chat, tab }) => {
  const { page, apiKeys } = tab;
  await expect(chat.menuButton).toBeVisible();
  await apiKeys.open();
  await apiKeys.name.focus();
  await page.keyboard.type('Typed');
  await page.keyboard.press('Enter');
  await expect(apiKeys.secret).toHaveText(KEY);
  await expect(apiKeys.newKey).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(apiKeys.copyKeyButton).toBeFocused();

  await expect(apiKeys.row('Typed')).toBeVisible();
  await apiKeys.revokeButton('Typed').focus();
  await page.keyboard.press('Enter');
  await expect(apiKeys.question('Typed')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(apiKeys.question('Typed')).toBeHidden();
  await expect(apiKeys.revokeButton('Typed')).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(apiKeys.confirmButton('Typed')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(apiKeys.empty).toBeVisible();
  await expect(apiKeys.outcome).toBeFocused();
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a key is created, shown once and revoked', async ({ tab, person }) => {
    const { page, apiKeys } = tab;
    await tab.signInAs(person);
    await page.goto('/api-keys');
    await apiKeys.create('Laptop');
    await expect(page).toHaveURL('/api-keys');
    await expect(apiKeys.secret).toHaveText(KEY);
    await expect(apiKeys.copyKeyButton).toBeHidden();
    await expect(apiKeys.rows).toHaveCount(1);

    await page.goto('/api-keys');
    await expect(apiKeys.newKey).toHaveCount(0);
    await apiKeys.revokeButton('Laptop').click();
    await expect(apiKeys.question('Laptop')).toBeVisible();
    await apiKeys.confirmButton('Laptop').click();
    await expect(page).toHaveURL('/api-keys');
    await expect(apiKeys.empty).toBeVisible();
  });
});
