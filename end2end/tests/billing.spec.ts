import { expect, test } from '../fixtures';

test('Whoever has bought nothing is on Free, sees where things would be, and finds the way to the plans', async ({ chat, tab }) => {
  await chat.menuButton.click();
  await tab.page.getByRole('link', { name: 'Billing' }).click();
  await tab.billing.isReady();
  await expect(tab.billing.heading).toHaveText('Billing');
  await expect(tab.billing.standing).toContainText('You are on Free.');
  await expect(tab.billing.invoices).toHaveCount(0);
  await expect(tab.billing.banner).toHaveCount(0);
  await tab.page.getByRole('link', { name: 'See plans and prices' }).click();
  await expect(tab.pricing.heading).toHaveText('Plans and prices');
  await expect(tab.pricing.current).toHaveText('Free');
});

test('What is not subscribed to cannot be cancelled or changed', async ({ chat, tab }) => {
  await expect(chat.heading).toBeVisible();
  await tab.billing.open('/billing/cancel');
  await expect(tab.billing.heading).toHaveText('Nothing to cancel');
  await tab.billing.open('/billing/change?plan=pro&interval=month');
  await expect(tab.billing.heading).toHaveText('Nothing to change');
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('the prices are complete, also for somebody who has not signed in', async ({ tab }) => {
    await tab.page.goto('/');
    await tab.page.getByRole('banner').getByRole('link', { name: 'Pricing' }).click();
    await expect(tab.pricing.heading).toHaveText('Plans and prices');
    await expect(tab.pricing.offer('free')).toContainText('5 requests in any minute');
    await expect(tab.pricing.offer('free').getByRole('link', { name: 'Start for free' })).toBeVisible();
    await expect(tab.page.locator('.skeleton, [aria-busy="true"]')).toHaveCount(0);
  });

  test('billing is complete', async ({ tab, person }) => {
    await tab.signInAs(person);
    await tab.page.goto('/billing');
    await expect(tab.billing.standing).toContainText('You are on Free.');
    await expect(tab.page.locator('.skeleton, [aria-busy="true"]')).toHaveCount(0);
  });
});
