import { expect, refusedWith, test } from '../fixtures';
import type { Page } from '@playwright/test';

const RATE = '**/api/chat/rate_reply*';

test.describe('Faults that only the browser sees', () => {
  test.use({ expectedProblems: [[refusedWith(404, 500), /net::ERR_FAILED/], { option: true }] });

  test('are reported, a few times at most; refusals and lost connections are not', async ({ chat, model, tab }) => {
    const prompt = await model.script('Break what comes next', { text: 'An answer.' });
    const good = chat.ratingOf(await chat.ask(prompt), 'Good answer');
    const reports = reportsOf(tab.page);
    const id = await tab.page.locator('meta[name=request-id]').getAttribute('content');
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
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
    const report = { kind: 'call', message: 'An answer could not be read', request_id: id };
    await expect.poll(() => reports).toMatchObject([report, report, report]);
  });
});

test.describe('A page that panics', () => {
  test.use({ expectedProblems: [/hydration error|panicked at|unreachable/] });

  test('says where, and of which request it is', async ({ tab }) => {
    const reports = reportsOf(tab.page);
    let id: string | undefined;
    // The page wakes up on something else than the server has made.
    await tab.page.route('/sign-in', async (route) => {
      const response = await route.fetch();
      id = response.headers()['x-request-id'];
      const whole = await response.text();
      const body = whole.replace(/<a [^>]*class="skip-link"[^>]*>.*?<\/a>/, 'Something else');
      expect(body).not.toBe(whole);
      await route.fulfill({ response, body });
    });
    await tab.page.goto('/sign-in');
    await expect.poll(() => reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ kind: 'panic', path: '/sign-in', request_id: id });
    expect(reports[0].message).toMatch(/^Panicked at .*\.rs:\d+:\d+: ./);
  });
});

/** What the page reports of itself from now on. */
function reportsOf(page: Page): Record<string, string>[] {
  const reports: Record<string, string>[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/reports/browser')) reports.push(request.postDataJSON());
  });
  return reports;
}
