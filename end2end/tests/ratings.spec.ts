import { expect, test } from '../fixtures';

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
