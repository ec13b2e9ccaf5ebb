import { expect, refusedWith, test } from '../fixtures';

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

test.describe('What a key may cost', () => {
  test.use({ expectedProblems: [refusedWith(400)] });

  test('is set with the key, changed and removed', async ({ chat, tab }) => {
    const { apiKeys } = tab;
    await expect(chat.menuButton).toBeVisible();
    await apiKeys.open();
    await apiKeys.create('Laptop', 'a lot');
    await expect(apiKeys.main).toContainText('Write an amount in dollars, such as 5 or 2.50.');
    await expect(apiKeys.cap).toHaveAttribute('aria-invalid', 'true');
    await expect(apiKeys.name).toHaveAttribute('aria-invalid', 'false');
    await apiKeys.create('Laptop', '5');
    await expect(apiKeys.newKey).toContainText('Laptop');
    await expect(apiKeys.cap).toHaveValue('');
    await expect(apiKeys.spent('Laptop')).toHaveText('$0.00 of its cap of $5.00 spent');

    await apiKeys.create('Server');
    await expect(apiKeys.spent('Server')).toHaveText('$0.00 spent');
    await apiKeys.capToggle('Server').click();
    const form = apiKeys.capForm('Server');
    await form.set('0');
    await expect(apiKeys.row('Server')).toContainText('A cap must be more than $0.00.');
    await expect(apiKeys.row('Laptop')).not.toContainText('A cap must be more than $0.00.');
    await form.set('2.50');
    await expect(apiKeys.outcome).toHaveText('The cap is set.');
    await expect(apiKeys.outcome).toBeFocused();
    await expect(apiKeys.spent('Server')).toHaveText('$0.00 of its cap of $2.50 spent');
    await apiKeys.capToggle('Server').click();
    await expect(form.amount).toHaveValue('2.50');
    await form.removeButton.click();
    await expect(apiKeys.outcome).toHaveText('The cap is removed.');
    await expect(apiKeys.spent('Server')).toHaveText('$0.00 spent');
    await expect(apiKeys.spent('Laptop')).toHaveText('$0.00 of its cap of $5.00 spent');
  });
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
    await apiKeys.create('Laptop', '5');
    await expect(page).toHaveURL('/api-keys');
    await expect(apiKeys.secret).toHaveText(KEY);
    await expect(apiKeys.copyKeyButton).toBeHidden();
    await expect(apiKeys.rows).toHaveCount(1);

    await page.goto('/api-keys');
    await apiKeys.create('Server');
    await page.goto('/api-keys');
    await apiKeys.capForm('Server').set('0');
    await expect(page.getByText('A cap must be more than $0.00.')).toHaveCount(1);
    await apiKeys.capForm('Server').set('7');
    await expect(apiKeys.spent('Server')).toHaveText('$0.00 of its cap of $7.00 spent');
    await apiKeys.capForm('Server').removeButton.click();
    await expect(apiKeys.spent('Server')).toHaveText('$0.00 spent');
    await expect(apiKeys.spent('Laptop')).toHaveText('$0.00 of its cap of $5.00 spent');
    await apiKeys.revokeButton('Server').click();
    await apiKeys.confirmButton('Server').click();
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
