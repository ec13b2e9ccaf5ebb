import { expect, refusedWith, Tab, test } from '../fixtures';
import type { Page } from '@playwright/test';

const START_REPLY = '**/api/chat/start_reply*';

/** Words that can be told apart: "one two … twelve". */
const COUNTING = 'one two three four five six seven eight nine ten eleven twelve';

test('From the front page to a conversation: sign in, send, watch the answer arrive and the meter move', async ({
  tab,
  person,
  model,
}) => {
  const { home, signIn, picker, chat, usage } = tab;
  const stalled = await model.script('Count slowly', { text: COUNTING, stall_after_chunks: 4 });
  const whole = await model.script('Count quickly', { text: COUNTING });

  await home.open();
  await home.signInLink.click();
  await expect(signIn.heading).toHaveText('Sign in');
  await signIn.continueWithSandbox();
  await expect(picker.heading).toBeVisible();
  await picker.signInAs(person);
  await expect(tab.page).toHaveURL('/chat');
  await chat.isReady();
  await expect(chat.minuteLeft).toHaveText('5');
  await expect(chat.creditLeft).toHaveText('$0.50');

  await chat.send(stalled);
  const first = chat.answers.nth(0);
  await expect(first).toContainText('one two three four');
  await expect(first).not.toContainText('five');
  await chat.hasState(first, 'streaming');
  await chat.stopButton.click();
  await chat.hasState(first, 'stopped');
  await expect(chat.minuteLeft).toHaveText('4');
  await expect(chat.creditLeft).toHaveText('$0.49');

  const second = await chat.ask(whole);
  await expect(second).toContainText(COUNTING);
  await expect(chat.minuteLeft).toHaveText('3');
  await expect(tab.page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);

  await tab.page.reload();
  await chat.isReady();
  await expect(chat.questions).toHaveText([stalled, whole]);
  await expect(chat.answers).toHaveText([/^\s*one two three four\s*$/, COUNTING]);

  const [cost] = (await chat.turnOf(second).getByText('Cost').innerText()).match(/\$[\d.]+/) ?? ['no price'];
  await usage.meter.click();
  await expect(usage.heading).toHaveText('Usage');
  await expect(usage.charges).toHaveCount(2);
  await expect(usage.charges.first()).toContainText(cost);
  await expect(usage.charges.first()).toContainText('Everyday');
});

test.describe('Writing a message', () => {
  test('Enter sends, Shift+Enter breaks the line', async ({ chat, model }) => {
    const prompt = await model.script('second line', { text: 'Read both lines.' });
    await chat.composer.fill('first line');
    await chat.composer.press('Shift+Enter');
    await chat.composer.pressSequentially(prompt);
    await expect(chat.composer).toHaveValue(`first line\n${prompt}`);
    await expect(chat.questions).toHaveCount(0);
    await chat.composer.press('Enter');
    await expect(chat.questions).toHaveText([`first line\n${prompt}`], { useInnerText: true });
    await expect(chat.answers).toHaveText(['Read both lines.']);
    await expect(chat.composer).toHaveValue('');
    await expect(chat.composer).toBeFocused();
  });

  test('An empty message cannot be sent', async ({ chat }) => {
    await expect(chat.sendButton).toBeDisabled();
    await chat.composer.fill(' \n ');
    await expect(chat.sendButton).toBeDisabled();
    await chat.composer.press('Enter');
    await expect(chat.questions).toHaveCount(0);
    await chat.composer.fill('something');
    await expect(chat.sendButton).toBeEnabled();
  });

  test('A message that is too long says by how much', async ({ chat }) => {
    await chat.composer.fill('x'.repeat(16_003));
    await expect(chat.excess).toContainText('3 characters too long');
    await expect(chat.sendButton).toBeDisabled();
    await chat.composer.press('End');
    for (let i = 0; i < 3; i++) await chat.composer.press('Backspace');
    await expect(chat.excess).toBeHidden();
    await expect(chat.sendButton).toBeEnabled();
  });

  test('An example fills the field and is not sent by itself', async ({ chat }) => {
    const example = chat.main.getByRole('button', { name: 'sliding window' });
    const text = await example.innerText();
    await example.click();
    await expect(chat.composer).toHaveValue(text);
    await expect(chat.composer).toBeFocused();
    await expect(chat.questions).toHaveCount(0);
  });

  test('An unsent text is still there after a reload, and gone after signing out', async ({ chat, tab, person }) => {
    await chat.composer.fill('not finished yet');
    await tab.page.reload();
    await chat.isReady();
    await expect(chat.composer).toHaveValue('not finished yet');
    await chat.signOut();
    await expect(chat.signInLink).toBeVisible();
    await tab.signInAs(person);
    await chat.isReady();
    await expect(chat.composer).toHaveValue('');
  });

  test('Two messages are one conversation, and the model is told both', async ({ chat, model }) => {
    const first = await model.script('Remember the number seven', { text: 'I will.' });
    const second = await model.script('Which number was it', { text: 'Seven.' });
    await chat.ask(first);
    await chat.ask(second);
    await expect(chat.answers).toHaveText(['I will.', 'Seven.']);
    await expect(chat.threads).toHaveCount(1);
    expect((await model.journal(second)).map((entry) => entry.message_count)).toEqual([
      (await model.journal(first))[0].message_count + 2,
    ]);
  });
});

test.describe('While the answer is written', () => {
  test('Stop keeps what was said', async ({ chat, model, tab }) => {
    const prompt = await model.script('Count until I say stop', { text: COUNTING, stall_after_chunks: 3 });
    await chat.send(prompt);
    const answer = chat.answers.first();
    await expect(answer).toContainText('one two three');
    await chat.stopButton.click();
    await chat.hasState(answer, 'stopped');
    await expect(chat.turnOf(answer)).toContainText('Stopped');
    await expect(chat.sendButton).toBeVisible();
    await tab.page.reload();
    await expect(answer).toHaveText(/^\s*one two three\s*$/);
    await chat.hasState(answer, 'stopped');
    await expect.poll(async () => (await model.journal(prompt))[0].state).toBe('client_gone');
  });

  test('Stop before the first word leaves a message that can be answered again', async ({ chat, model }) => {
    const prompt = await model.script('Think for long', { text: COUNTING, stall_after_chunks: 0 });
    await chat.send(prompt);
    const answer = chat.answers.first();
    await chat.hasState(answer, 'streaming');
    await expect(answer).toContainText('Waiting for the first words');
    await chat.stopButton.click();
    await chat.hasState(answer, 'stopped');
    await model.scriptAgain(prompt, { text: 'Now I know.' });
    await chat.anotherAnswerButton.click();
    await expect(chat.answers).toHaveText(['Now I know.']);
    await expect(chat.questions).toHaveCount(1);
  });

  test('After a reload, what was said so far is there, and Stop works', async ({ chat, model, tab }) => {
    const prompt = await model.script('Count and wait', { text: COUNTING, stall_after_chunks: 5 });
    await chat.send(prompt);
    const answer = chat.answers.first();
    await expect(answer).toContainText('one two three four five');
    await tab.page.reload();
    await chat.isReady();
    await expect(answer).toContainText('one two three four five');
    await chat.hasState(answer, 'streaming');
    await chat.stopButton.click();
    await chat.hasState(answer, 'stopped');
    await expect(answer).toContainText('one two three four five');
    expect(await model.journal(prompt)).toHaveLength(1);
  });

  test('A reload in mid-answer does not end it: it goes on to the same text', async ({ chat, model, tab }) => {
    const text = Array.from({ length: 40 }, (_, i) => `word-${i}`).join(' ');
    const prompt = await model.script('Say many words', { text, gap_ms: 100 });
    await chat.send(prompt);
    const answer = chat.answers.first();
    await expect(answer).toContainText('word-1 ');
    await tab.page.reload();
    await chat.hasState(answer, 'finished');
    await expect(answer).toHaveText(text);
    await expect(chat.creditLeft).toHaveText('$0.49');
    expect(await model.journal(prompt)).toHaveLength(1);
  });

  test('A second tab shows the same answer to its end', async ({ chat, model, tab }) => {
    const text = Array.from({ length: 40 }, (_, i) => `word-${i}`).join(' ');
    const prompt = await model.script('Say it in two places', { text, gap_ms: 100 });
    await chat.send(prompt);
    await expect(chat.answers.first()).toContainText('word-1 ');
    const second = await openAgain(tab);
    await expect(second.chat.answers.first()).toContainText('word-1 ');
    for (const { answers } of [chat, second.chat]) {
      await expect(answers).toHaveText([text]);
      await expect(answers).toHaveAttribute('data-state', 'finished');
    }
    await expect(second.chat.creditLeft).toHaveText('$0.49');
    expect(await model.journal(prompt)).toHaveLength(1);
  });

  test('Stop in a second tab ends the answer in both', async ({ chat, model, tab }) => {
    const prompt = await model.script('Stop me from over there', { text: COUNTING, stall_after_chunks: 4 });
    await chat.send(prompt);
    await expect(chat.answers.first()).toContainText('one two three four');
    const second = await openAgain(tab);
    await expect(second.chat.answers.first()).toContainText('one two three four');
    await second.chat.stopButton.click();
    for (const { answers, sendButton } of [second.chat, chat]) {
      await expect(answers).toHaveAttribute('data-state', 'stopped');
      await expect(answers).toHaveText([/^\s*one two three four\s*$/]);
      await expect(sendButton).toBeVisible();
    }
    await expect.poll(async () => (await model.journal(prompt))[0].state).toBe('client_gone');
  });

  test('The answer goes on while another conversation is open', async ({ chat, model, tab }) => {
    const prompt = await model.script('Write in the background', { text: COUNTING, stall_after_chunks: 6 });
    await chat.send(prompt);
    await expect(chat.answers.first()).toContainText('one two three four five six');
    await chat.newChatLink.click();
    await expect(tab.page).toHaveURL('/chat');
    await expect(chat.answers).toHaveCount(0);
    await chat.threads.first().click();
    await expect(chat.answers.first()).toContainText('one two three four five six');
    await chat.hasState(chat.answers.first(), 'streaming');
    await chat.stopButton.click();
    await chat.hasState(chat.answers.first(), 'stopped');
  });
});

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

test('Another model can be chosen with the keyboard, and is remembered', async ({ chat, model, tab }) => {
  const picker = tab.page.getByTestId('model-picker');
  await expect(picker).toContainText('Everyday');
  await picker.focus();
  await tab.page.keyboard.press('Enter');
  await expect(tab.page.getByRole('listbox', { name: 'Model' })).toBeFocused();
  const thorough = tab.page.getByRole('option', { name: 'Thorough' });
  await expect(thorough).toContainText('Longer, more careful answers to hard questions');
  await expect(thorough).toContainText('$2.50 to read and $10.00 to write a million tokens');
  await tab.page.keyboard.press('ArrowDown');
  await tab.page.keyboard.press('Enter');
  await expect(picker).toContainText('Thorough');
  const prompt = await model.script('Think hard', { text: 'Done.' });
  await chat.ask(prompt);
  expect((await model.journal(prompt)).map((entry) => entry.model)).toEqual(['sandbox-large']);
  await tab.page.reload();
  await expect(picker).toContainText('Thorough');
});

test.describe('The list of conversations', () => {
  test('A new chat begins another conversation', async ({ chat, model, tab }) => {
    const first = await model.script('Talk about apples', { text: 'Apples.' });
    const second = await model.script('Talk about pears', { text: 'Pears.' });
    await chat.ask(first);
    await chat.newChatLink.click();
    await expect(tab.page).toHaveURL('/chat');
    await expect(chat.answers).toHaveCount(0);
    await expect(chat.composer).toBeFocused();
    await chat.ask(second);
    await expect(chat.answers).toHaveText(['Pears.']);
    await expect(chat.threads).toHaveText([second, first]);
    await chat.threads.nth(1).click();
    await expect(chat.answers).toHaveText(['Apples.']);
    await expect(chat.threads.nth(1)).toHaveAttribute('aria-current', 'page');
    await tab.page.goBack();
    await expect(chat.answers).toHaveText(['Pears.']);
  });

  test('A conversation can be renamed', async ({ chat, model, tab }) => {
    const prompt = await model.script('Name me', { text: 'Yes.' });
    await chat.ask(prompt);
    await chat.rename(prompt, 'A better name');
    await expect(chat.threads).toHaveText(['A better name']);
    await expect(chat.heading).toHaveText('A better name');
    await tab.page.reload();
    await expect(chat.threads).toHaveText(['A better name']);
    await expect(tab.page).toHaveTitle('A better name · Plumbline');
  });

  test('Escape leaves the name as it was', async ({ chat, model, tab }) => {
    const prompt = await model.script('Keep my name', { text: 'Yes.' });
    await chat.ask(prompt);
    await chat.thread(prompt).hover();
    await chat.thread(prompt).getByTestId('rename-thread').click();
    const field = tab.page.getByRole('textbox', { name: 'New name' });
    await field.fill('Something else');
    await field.press('Escape');
    await expect(chat.threads).toHaveText([prompt]);
    await tab.page.reload();
    await expect(chat.threads).toHaveText([prompt]);
  });

  test('A deleted conversation is gone, and Undo brings it back', async ({ chat, model, tab }) => {
    const prompt = await model.script('Delete me', { text: 'Gone soon.' });
    await chat.ask(prompt);
    const address = tab.page.url();
    await chat.delete(prompt);
    await expect(chat.threads).toHaveCount(0);
    await expect(tab.page).toHaveURL('/chat');
    await chat.undoButton.click();
    await expect(chat.threads).toHaveText([prompt]);
    await expect(tab.page).toHaveURL(address);
    await expect(chat.answers).toHaveText(['Gone soon.']);
    await tab.page.reload();
    await expect(chat.answers).toHaveText(['Gone soon.']);
  });

  test.describe(() => {
    test.use({ expectedProblems: [refusedWith(404)] });

    test('The address of a deleted conversation leads nowhere', async ({ chat, model, tab }) => {
      const prompt = await model.script('Delete me for good', { text: 'Gone.' });
      await chat.ask(prompt);
      const address = tab.page.url();
      await chat.delete(prompt);
      await expect(chat.undoButton).toBeVisible();
      const response = await tab.page.goto(address);
      expect(response?.status()).toBe(404);
      await expect(chat.errorPage).toBeVisible();
    });

    test("Somebody else's conversation is not shown", async ({ chat, model, tab, openBrowser }) => {
      const prompt = await model.script('A secret', { text: 'Between us.' });
      await chat.ask(prompt);
      const stranger = await openBrowser();
      await stranger.signInAs({ name: prompt, email: 'stranger@example.test', emailState: 'verified' });
      const response = await stranger.page.goto(tab.page.url());
      expect(response?.status()).toBe(404);
      await expect(stranger.chat.errorPage).toBeVisible();
      await expect(stranger.page.getByText('Between us.')).toHaveCount(0);
    });
  });
});

test.describe('What the model writes', () => {
  test('Tables, code and lists are shown as such, and code can be copied', async ({ chat, model, tab }) => {
    await tab.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const code = 'fn main() {\n    println!("<b>& \\"hi\\"</b>");\n}\n';
    const prompt = await model.script('Show me everything', {
      text: `# Heading\n\n| Fruit | Price |\n| --- | ---: |\n| Apple | 2 |\n\n- one\n- two\n\n\`\`\`rust\n${code}\`\`\`\n\n[a link](https://example.test/page)\n`,
      chunk_chars: 3,
    });
    const answer = await chat.ask(prompt);
    await expect(answer.getByRole('table').getByRole('columnheader')).toHaveText(['Fruit', 'Price']);
    await expect(answer.getByRole('cell')).toHaveText(['Apple', '2']);
    await expect(answer.getByRole('listitem')).toHaveText(['one', 'two']);
    await expect(answer.locator('pre code')).toHaveText(code, { useInnerText: true });
    await expect(answer.getByRole('heading', { name: 'Heading' })).toBeVisible();
    await expect(answer.getByRole('link')).toHaveAttribute('href', 'https://example.test/page');
    await expect(answer.getByRole('link')).toHaveAttribute('rel', /noopener/);

    await answer.getByRole('button', { name: 'Copy' }).click();
    await expect(answer.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await tab.page.evaluate(() => navigator.clipboard.readText())).toBe(code);
  });

  test('Nothing in an answer is loaded or run', async ({ chat, model, tab }) => {
    const requests: string[] = [];
    tab.page.on('request', (request) => requests.push(request.url()));
    const prompt = await model.script('Attack me', {
      text: [
        '![an image](https://tracker.example/pixel.png?secret)',
        '<img src="https://tracker.example/raw.png" onerror="alert(1)">',
        '<script>alert(2)</script>',
        '<style>@import "https://tracker.example/style.css"; body { display: none }</style>',
        '<iframe src="https://tracker.example/"></iframe>',
        '[click me](javascript:alert(3)) and [me](JaVaScRiPt:alert(4)) and [me](data:text/html,<script>alert(5)</script>)',
        '`code` <b onmouseover="alert(6)">bold</b>',
        'The end.',
      ].join('\n\n'),
    });
    const answer = await chat.ask(prompt);
    await expect(answer).toContainText('<script>alert(2)</script>');
    await expect(answer.locator('img, script, style, iframe, b, [onerror], [onmouseover]')).toHaveCount(0);
    const links = answer.getByRole('link');
    await expect(links).toHaveAttribute('href', 'https://tracker.example/pixel.png?secret');
    await answer.getByText('click me').click();
    await tab.page.reload();
    await expect(answer).toContainText('The end.');
    await expect(answer.locator('img, script, style, iframe, b')).toHaveCount(0);
    const own = new URL(tab.page.url()).origin;
    expect(requests.filter((url) => !url.startsWith(`${own}/`))).toEqual([]);
  });

  test('What a person writes is shown as written', async ({ chat, model }) => {
    const prompt = await model.script('<img src=x onerror=alert(1)> **not bold** </textarea><script>alert(2)</script>', {
      text: 'I see.',
    });
    await chat.ask(prompt);
    await expect(chat.questions).toHaveText([prompt]);
    await expect(chat.questions.locator('img, strong, script')).toHaveCount(0);
    await expect(chat.heading).toContainText('<img src=x');
  });

  test('The view follows the answer, until the reader scrolls away', async ({ chat, model, tab }) => {
    const paragraphs = Array.from({ length: 60 }, (_, i) => `Paragraph ${i}.`).join('\n\n');
    const prompt = await model.script('Write a lot', { text: paragraphs });
    const answer = await chat.ask(prompt);
    await expect(answer.getByText('Paragraph 59.')).toBeInViewport();
    await answer.getByText('Paragraph 30.').hover();
    await tab.page.mouse.wheel(0, -2_000);
    await expect(answer.getByText('Paragraph 59.')).not.toBeInViewport();
    await tab.page.getByTestId('jump-to-latest').click();
    await expect(answer.getByText('Paragraph 59.')).toBeInViewport();
    await expect(tab.page.getByTestId('jump-to-latest')).toBeHidden();
  });
});

/** The same conversation in another tab of the same browser. */
async function openAgain(tab: Tab): Promise<Tab> {
  await expect(tab.page).toHaveURL(/\/chat\/./);
  const second = new Tab(await tab.page.context().newPage());
  await second.chat.open(tab.page.url());
  return second;
}

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
