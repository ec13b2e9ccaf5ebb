import { expect, refusedWith, test } from '../fixtures';

test('What somebody thinks of an answer stays, changes and is taken back', async ({ chat, model, tab }) => {
  const prompt = await model.script('Is it any good', { text: 'A fine answer.' });
  const answer = await chat.ask(prompt);
  const good = chat.ratingOf(answer, 'Good answer');
  const bad = chat.ratingOf(answer, 'Bad answer');
  const isKept = (name: string) => tab.page.waitForResponse((response) => response.url().includes(`/api/chat/${name}`));
  const stays = async (isGood: boolean, isBad: boolean) => {
    await expect(good).toHaveAttribute('aria-pressed', String(isGood));
    await expect(bad).toHaveAttribute('aria-pressed', String(isBad));
  };
  await stays(false, false);

  for (const [button, name, isGood, isBad] of [
    [good, 'rate_reply', true, false],
    [bad, 'rate_reply', false, true],
    [bad, 'take_rating_back', false, false],
  ] as const) {
    const kept = isKept(name);
    await button.click();
    await stays(isGood, isBad);
    await (await kept).finished();
    await tab.page.reload();
    await chat.isReady();
    await stays(isGood, isBad);
  }
  await expect(chat.ratingOf(chat.questions.first(), 'Good answer')).toHaveCount(0);
});

test.describe('Of choices that follow each other fast', () => {
  test.use({ expectedProblems: [refusedWith(404)] });

  test('the last one stays, whatever becomes of those before', async ({ chat, model, tab }) => {
    const answer = await chat.ask(await model.script('Good or bad', { text: 'An answer.' }));
    const [good, bad] = [chat.ratingOf(answer, 'Good answer'), chat.ratingOf(answer, 'Bad answer')];
    const asked: string[] = [];
    let refuse = () => {};
    const isSlow = new Promise<void>((resolve) => (refuse = resolve));
    await tab.page.route('**/api/chat/rate_reply*', async (route) => {
      asked.push(new URLSearchParams(route.request().postData() ?? '').get('rating') ?? '');
      if (asked.length > 1) return route.continue();
      await isSlow;
      await route.fulfill({ status: 404, json: { type: 'not_found' } });
    });
    await good.click();
    await expect.poll(() => asked).toEqual(['good']);
    await bad.click();
    await expect(bad).toHaveAttribute('aria-pressed', 'true');
    expect(asked, 'one after the other').toEqual(['good']);
    const kept = tab.page.waitForResponse((response) => response.url().includes('rate_reply') && response.ok());
    refuse();
    await (await kept).finished();
    expect(asked).toEqual(['good', 'bad']);
    await expect(bad).toHaveAttribute('aria-pressed', 'true');
    await tab.page.reload();
    await chat.isReady();
    await expect(bad).toHaveAttribute('aria-pressed', 'true');
    await expect(good).toHaveAttribute('aria-pressed', 'false');
  });
});
