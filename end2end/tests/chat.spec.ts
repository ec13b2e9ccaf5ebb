import { expect, Tab, test } from '../fixtures';

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
    await chat.composer.fill('x'.repeat(100_003));
    await expect(chat.excess).toContainText('3 characters too long');
    await expect(chat.sendButton).toBeDisabled();
    // Read out once: the same alert stays, whatever is typed.
    const alert = chat.excess.getByRole('alert');
    await expect(alert).toHaveText('This message is too long.');
    await alert.evaluate((element) => element.setAttribute('data-first', ''));
    await chat.composer.press('End');
    await chat.composer.press('x');
    await expect(chat.excess).toContainText('4 characters too long');
    await expect(alert).toHaveAttribute('data-first', '');
    await chat.composer.press('Backspace');
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
    await expect(answer.locator('.waiting-line')).toHaveCSS('animation-duration', '1.8s');
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

/** The same conversation in another tab of the same browser. */
async function openAgain(tab: Tab): Promise<Tab> {
  await expect(tab.page).toHaveURL(/\/chat\/./);
  const second = new Tab(await tab.page.context().newPage());
  await second.chat.open(tab.page.url());
  return second;
}
