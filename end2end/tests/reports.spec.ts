import { expect, refusedWith, test } from '../fixtures';
import type { Page } from '@playwright/test';

const RATE = '**/api/chat/rate_reply*';

test.describe('Faults that only the browser sees', () => {
  test.use({ expectedProblems: [[refusedWith(404, 500), /net::ERR_FAILED/], { option: true }] });

  test('are reported, a few times at most; refusals and lost connections are not', async ({ chat, model, tab }) => {
    const prompt = await model.script('Break what comes next', { text: 'An answer.' });
    const good = chat.ratingOf(await chat.ask(prompt), 'Good answer');
    const reports = reportsOf(tab.page);
    const fails = async (times: number) => {
      for (let time = 0; time < times; time++) {
        const failed = tab.page.waitForEvent('requestfinished', (request) => request.url().includes('rate_reply'));
        await good.click();
        await failed;
        await expect(good).toHaveAttribute('aria-pressed', 'false');
      }
    };

    await tab.page.route(RATE, (route) => route.fulfill({ status: 404, json: { type: 'not_found' } }), { times: 1 });
    await fails(1);
    await tab.page.route(RATE, (route) => route.abort(), { times: 1 });
    await good.click();
    await expect(tab.page.getByText('The connection was lost')).toBeVisible();
    expect(reports).toEqual([]);

    await tab.page.route(RATE, (route) => route.fulfill({ status: 500, body: '<h1>A proxy says no</h1>' }), { times: 5 });
    await fails(5);
    await expect.poll(() => reports).toEqual(['POST', 'POST', 'POST']);
  });
});

/** The methods of the page's reports from now on. */
function reportsOf(page: Page): string[] {
  const reports: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/reports/browser')) reports.push(request.method());
  });
  return reports;
}
