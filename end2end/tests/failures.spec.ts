import { expect, test } from '../fixtures';
import type { Page } from '@playwright/test';

const START_REPLY = '**/api/chat/start_reply*';
/** Words that can be told apart: "one two … twelve". */
const COUNTING = 'one two three four five six seven eight nine ten eleven twelve';

test.describe('When something fails', () => {
  test('A model that fails is said in place, and Try again brings the answer', async ({ chat, model, tab }) => {
    const prompt = await model.script('Fail the first time', { status: 500 });
    await chat.send(prompt);
    const answer = chat.answers.first();
    await chat.hasState(answer, 'failed');
    await expect(chat.turnOf(answer).getByRole('alert')).toContainText('The model cannot be reached');
    await expect(chat.creditLeft).toHaveText('$0.50');
    await model.scriptAgain(prompt, { text: 'Here it is.' });
    await chat.tryAgainButton.click();
    await expect(chat.answers).toHaveText(['Here it is.']);
    await expect(chat.questions).toHaveText([prompt]);
    await tab.page.reload();
    await expect(chat.answers).toHaveText(['Here it is.']);
    await expect(chat.questions).toHaveText([prompt]);
  });

  test('A failed answer can still be tried again after a reload', async ({ chat, model, tab }) => {
    const prompt = await model.script('Fail and wait for me', { status: 500 });
    await chat.send(prompt);
    await chat.hasState(chat.answers.first(), 'failed');
    await tab.page.reload();
    await chat.isReady();
    await expect(chat.questions).toHaveText([prompt]);
    await model.scriptAgain(prompt, { text: 'Here it is.' });
    await chat.tryAgainButton.click();
    await expect(chat.answers).toHaveText(['Here it is.']);
  });

  test('When a provider is down, another one answers and nothing shows', async ({ chat, model }) => {
    const prompt = await model.script('Fall back', { text: 'Here it is.' });
    await model.scriptAgain(prompt, { status: 500, times: 1 });
    const answer = await chat.ask(prompt);
    await expect(answer).toHaveText('Here it is.');
    await expect(chat.answers).toHaveCount(1);
    const asked = async () => (await model.journal(prompt)).map((entry) => [entry.model, entry.state]);
    await expect.poll(asked).toEqual([
      ['sandbox-small', 'failed'],
      ['claude-sandbox', 'finished'],
    ]);
  });

  test('An interrupted answer is continued below what arrived', async ({ chat, model, tab }) => {
    const prompt = await model.script('Break off and go on', { text: COUNTING, cut_after_chunks: 3 });
    await chat.send(prompt);
    await chat.hasState(chat.answers.first(), 'interrupted');
    await tab.page.reload();
    await chat.isReady();
    await chat.continueButton.click();
    await chat.hasState(chat.answers.nth(1), 'finished');
    await expect(chat.answers.first()).toContainText('one two three');
    await expect(tab.page.getByTestId('continued')).toBeVisible();
    await expect(chat.questions).toHaveText([prompt]);
  });

  test('What the model thinks is folded away above its answer', async ({ chat, model, tab }) => {
    const prompt = await model.script('Think first', { text: 'Yes.', reasoning: 'Let me see.' });
    await expect(await chat.ask(prompt)).toContainText('Yes.');
    const reasoning = tab.page.getByTestId('reasoning');
    await expect(reasoning.getByText('Let me see.')).toBeHidden();
    await reasoning.getByRole('button').click();
    await expect(reasoning.getByText('Let me see.')).toBeVisible();
  });

  test('An answer cut by the provider keeps what arrived', async ({ chat, model }) => {
    const prompt = await model.script('Break off', { text: COUNTING, cut_after_chunks: 3 });
    await chat.send(prompt);
    const answer = chat.answers.first();
    await chat.hasState(answer, 'interrupted');
    await expect(answer).toContainText('one two three');
    await expect(chat.turnOf(answer).getByRole('alert')).toContainText('interrupted');
    await expect(chat.tryAgainButton).toBeVisible();
  });

  test('Another answer replaces the one shown', async ({ chat, model }) => {
    const prompt = await model.script('Surprise me', { text: 'A second idea.' });
    await model.scriptAgain(prompt, { text: 'A first idea.', times: 1 });
    await expect(await chat.ask(prompt)).toHaveText('A first idea.');
    await chat.anotherAnswerButton.click();
    await expect(chat.answers).toHaveText(['A second idea.']);
    await expect(chat.questions).toHaveCount(1);
  });
});

test.describe('When the connection breaks', () => {
  test.use({ expectedProblems: [/net::ERR_(FAILED|INTERNET_DISCONNECTED)/] });

  test('Offline, the text stays in the field; Try again sends it', async ({ chat, model, tab }) => {
    const prompt = await model.script('Sent without a network', { text: 'Now it works.' });
    await tab.page.context().setOffline(true);
    await chat.send(prompt);
    await expect(chat.refusal).toContainText('The connection was lost');
    await expect(chat.composer).toHaveValue(prompt);
    await expect(chat.questions).toHaveCount(0);
    await tab.page.context().setOffline(false);
    await chat.sendAgainButton.click();
    await expect(chat.answers).toHaveText(['Now it works.']);
    await expect(chat.refusal).toBeHidden();
    await expect(chat.composer).toHaveValue('');
    expect(await model.journal(prompt)).toHaveLength(1);
  });

  test('A message that arrived without anyone knowing is answered once', async ({ chat, model, tab }) => {
    const prompt = await model.script('Lost on the way back', { text: 'Answered once.' });
    await loseAnswerOfNext(tab.page, START_REPLY);
    await chat.send(prompt);
    await expect(chat.refusal).toContainText('The connection was lost');
    await expect(chat.composer).toHaveValue(prompt);
    await chat.sendAgainButton.click();
    await expect(chat.answers).toHaveText(['Answered once.']);
    await expect(chat.questions).toHaveText([prompt]);
    await expect(chat.minuteLeft).toHaveText('4');
    expect(await model.journal(prompt)).toHaveLength(1);
    await tab.page.reload();
    await expect(chat.questions).toHaveText([prompt]);
    await expect(chat.threads).toHaveCount(1);
  });

  test('A message whose page dies before the first word of the answer is answered once', async ({ chat, model, tab }) => {
    const prompt = await model.script('Forget that you asked', { text: 'Answered once.' });
    // It arrives, but the page never hears of it.
    await tab.page.route(START_REPLY, async (route) => void (await route.fetch()), { times: 1 });
    await chat.send(prompt);
    await expect.poll(() => model.journal(prompt)).toHaveLength(1);
    await tab.page.reload();
    await chat.isReady();
    await expect(chat.composer).toHaveValue(prompt);
    await chat.composer.press('Enter');
    await expect(chat.answers).toHaveText(['Answered once.']);
    await expect(chat.questions).toHaveText([prompt]);
    await expect(chat.composer).toHaveValue('');
    expect(await model.journal(prompt)).toHaveLength(1);

    // Once it has arrived, the same words are another message.
    await chat.send(prompt);
    await expect(chat.answers).toHaveText(['Answered once.', 'Answered once.']);
    expect(await model.journal(prompt)).toHaveLength(2);
  });

  test('A text that a dead page left is another message once it was taken away', async ({ chat, model, tab }) => {
    const prompt = await model.script('Say it once more', { text: 'Answered again.' });
    await tab.page.route(START_REPLY, async (route) => void (await route.fetch()), { times: 1 });
    await chat.send(prompt);
    await expect.poll(() => model.journal(prompt)).toHaveLength(1);
    await tab.page.reload();
    await chat.isReady();
    await chat.composer.fill('');
    await chat.send(prompt);
    await expect(chat.answers).toHaveText(['Answered again.']);
    await expect(chat.threads).toHaveCount(2);
    expect(await model.journal(prompt)).toHaveLength(2);
  });

  test('A Stop that does not arrive is said, and can be tried again', async ({ chat, model, tab }) => {
    const prompt = await model.script('Stop me if you can', { text: COUNTING, stall_after_chunks: 3 });
    await chat.send(prompt);
    const answer = chat.answers.first();
    await expect(answer).toContainText('one two three');
    await tab.page.route('**/api/chat/stop_reply*', (route) => route.abort(), { times: 1 });
    await chat.stopButton.click();
    await expect(chat.toast).toBeVisible();
    await expect(chat.toast).toContainText('The reply could not be stopped. The connection was lost.');
    await chat.hasState(answer, 'streaming');
    await chat.stopButton.click();
    await chat.hasState(answer, 'stopped');
  });

  test('An answer whose stream is cut on the way is taken up where it was', async ({ chat, model, tab }) => {
    const prompt = await model.script('Cut between us', { text: COUNTING });
    await tab.page.route(
      START_REPLY,
      async (route) => {
        const response = await route.fetch();
        const lines = (await response.text()).split('\n');
        await route.fulfill({ response, body: `${lines.slice(0, 4).join('\n')}\n` });
      },
      { times: 1 },
    );
    await chat.send(prompt);
    await chat.hasState(chat.answers.first(), 'finished');
    await expect(chat.answers).toHaveText([COUNTING]);
    await expect(chat.minuteLeft).toHaveText('4');
    expect(await model.journal(prompt)).toHaveLength(1);
  });
});

/** The request arrives and is answered, but the answer never reaches the page. */
async function loseAnswerOfNext(page: Page, address: string): Promise<void> {
  await page.route(
    address,
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
}
