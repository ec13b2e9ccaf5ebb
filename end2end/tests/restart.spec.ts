import { expect, test as base } from '../fixtures';
import { HAS_SETTINGS, OwnServer } from '../server';

interface Fixtures {
  serverSettings: Record<string, string>;
  server: OwnServer;
}

// Each test has a server of its own, and ends it while an answer is being written.
const test = base.extend<Fixtures>({
  serverSettings: [{}, { option: true }],

  server: async ({ serverSettings }, use, testInfo) => {
    const server = await OwnServer.start(testInfo.outputPath('server.log'), serverSettings);
    await use(server);
    await server.kill();
  },

  baseURL: async ({ server }, use) => use(server.url),
});

test.skip(!HAS_SETTINGS, 'needs the settings of the server: run it with bin/test');

/** Words that can be told apart, some seconds long. */
const TEXT = Array.from({ length: 60 }, (_, i) => `word-${i}`).join(' ');
const SECONDS_LONG = { text: TEXT, gap_ms: 100 };

/** A hold that nobody renews expires after 30 seconds, and is looked for every 10. */
const UNTIL_SWEPT = 60_000;

test('A server that is told to end lets the answer finish', async ({ chat, model, server }) => {
  const prompt = await model.script('Finish before you go', SECONDS_LONG);
  await chat.send(prompt);
  const answer = chat.answers.first();
  await expect(answer).toContainText('word-3 ');
  await server.terminate();
  await chat.hasState(answer, 'finished');
  await expect(answer).toHaveText(TEXT);
  await server.startAgain();
  const next = await model.script('Are you back', { text: 'Yes.' });
  await expect(await chat.ask(next)).toHaveText('Yes.');
  expect(await model.journal(prompt)).toHaveLength(1);
});

test.describe('When the server does not wait for the end', () => {
  test.use({ serverSettings: { SHUTDOWN_GRACE_SECONDS: '1' } });

  test('what was said is kept, and can be continued', async ({ chat, model, server }) => {
    const prompt = await model.script('Be cut short', SECONDS_LONG);
    await chat.send(prompt);
    const answer = chat.answers.first();
    await expect(answer).toContainText('word-3 ');
    await server.terminate();
    await chat.hasState(answer, 'interrupted');
    await expect(chat.turnOf(answer).getByRole('alert')).toContainText('interrupted');
    expect(TEXT).toContain((await answer.innerText()).trim());

    await server.startAgain();
    await chat.continueButton.click();
    await chat.hasState(chat.answers.nth(1), 'finished');
    await expect(answer).toContainText('word-3 ');
  });
});

test.describe('When the server is killed', () => {
  test.use({
    expectedProblems: [/net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING)|TypeError: network error/],
  });

  test('the page says so, comes back by itself, and loses nothing that was shown', async ({ chat, model, server }) => {
    test.setTimeout(UNTIL_SWEPT + 60_000);
    const prompt = await model.script('Survive a crash', SECONDS_LONG);
    await chat.send(prompt);
    const answer = chat.answers.first();
    await expect(answer).toContainText('word-3 ');
    await server.kill();
    await expect(chat.pauseNote).toContainText('The connection was lost');
    const shown = (await answer.innerText()).trim();

    await server.startAgain();
    await expect(chat.pauseNote).toContainText('Still waiting', { timeout: 30_000 });
    await chat.hasState(answer, 'streaming');
    await expect(answer).toHaveAttribute('data-state', 'interrupted', { timeout: UNTIL_SWEPT });
    await expect(chat.pauseNote).toBeHidden();
    await expect(chat.turnOf(answer).getByRole('alert')).toContainText('interrupted');
    const kept = (await answer.innerText()).trim();
    expect(kept.startsWith(shown), `${shown} is lost in ${kept}`).toBe(true);

    await chat.continueButton.click();
    await chat.hasState(chat.answers.nth(1), 'finished');
    await expect(answer).toHaveText(kept);
    await expect(chat.turnOf(answer)).toContainText('Cost');
  });
});
