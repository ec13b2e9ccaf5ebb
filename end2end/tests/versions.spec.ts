import { expect, refusedWith, Tab, test } from '../fixtures';
import type { ChatPage } from '../pages/chat_page';
import type { Model } from '../sandbox';

/** Words that can be told apart: "one two … twelve". */
const COUNTING = 'one two three four five six seven eight nine ten eleven twelve';

/** A question with two answers, of which the second is shown. */
async function answeredTwice(chat: ChatPage, model: Model): Promise<string> {
  const prompt = await model.script('Surprise me', { text: 'A second idea.' });
  await model.scriptAgain(prompt, { text: 'A first idea.', times: 1 });
  await chat.ask(prompt);
  await chat.anotherAnswerButton.click();
  await expect(chat.answers).toHaveText(['A second idea.']);
  await expect(chat.versionOf(chat.answers.first())).toHaveText('2 of 2');
  return prompt;
}

test.describe('Another answer', () => {
  test('stands beside the first, and the one that was chosen stays', async ({ chat, model, tab }) => {
    const prompt = await answeredTwice(chat, model);
    const answer = chat.answers.first();
    await chat.versionButton(answer, 'Previous answer').click();
    await expect(chat.answers).toHaveText(['A first idea.']);
    await expect(chat.versionOf(answer)).toHaveText('1 of 2');
    await expect(chat.questions).toHaveText([prompt]);

    const second = new Tab(await tab.page.context().newPage());
    await second.chat.open(tab.page.url());
    await expect(second.chat.answers).toHaveText(['A first idea.']);
    await tab.page.reload();
    await chat.isReady();
    await expect(chat.answers).toHaveText(['A first idea.']);
    await expect(chat.versionOf(answer)).toHaveText('1 of 2');
    await chat.versionButton(answer, 'Next answer').click();
    await expect(chat.answers).toHaveText(['A second idea.']);
  });

  test('is gone on with where it was chosen', async ({ chat, model, tab }) => {
    await answeredTwice(chat, model);
    const answer = chat.answers.first();
    await chat.versionButton(answer, 'Previous answer').click();
    await expect(chat.answers).toHaveText(['A first idea.']);
    const next = await model.script('Tell me more', { text: 'More of the first.' });
    await chat.ask(next);
    await expect(chat.answers).toHaveText(['A first idea.', 'More of the first.']);
    expect((await model.journal(next)).map((entry) => entry.message_count)).toEqual([3]);

    await chat.versionButton(answer, 'Next answer').click();
    await expect(chat.answers).toHaveText(['A second idea.']);
    await chat.versionButton(answer, 'Previous answer').click();
    await expect(chat.answers).toHaveText(['A first idea.', 'More of the first.']);
    await tab.page.reload();
    await expect(chat.answers).toHaveText(['A first idea.', 'More of the first.']);
  });

  test('cannot be left while an answer is written', async ({ chat, model }) => {
    await answeredTwice(chat, model);
    const endless = await model.script('Never end', { text: COUNTING, stall_after_chunks: 2 });
    await chat.send(endless);
    await expect(chat.answers.nth(1)).toContainText('one two');
    const previous = chat.versionButton(chat.answers.first(), 'Previous answer');
    await expect(previous).toHaveAttribute('aria-disabled', 'true');
    await expect(chat.editButtonOf(chat.questions.first())).toHaveCount(0);
    await chat.stopButton.click();
    await chat.hasState(chat.answers.nth(1), 'stopped');
    await expect(previous).toHaveAttribute('aria-disabled', 'false');
    await expect(chat.editButtonOf(chat.questions.first())).toHaveCount(1);
  });

  test('can be reached with the keyboard, and the focus stays', async ({ chat, model, tab }) => {
    await answeredTwice(chat, model);
    const answer = chat.answers.first();
    const previous = chat.versionButton(answer, 'Previous answer');
    await previous.focus();
    await tab.page.keyboard.press('Enter');
    await expect(chat.answers).toHaveText(['A first idea.']);
    await expect(previous).toBeFocused();
    await expect(previous).toHaveAttribute('aria-disabled', 'true');
    await tab.page.keyboard.press('Tab');
    await expect(chat.versionButton(answer, 'Next answer')).toBeFocused();
    await tab.page.keyboard.press('Space');
    await expect(chat.answers).toHaveText(['A second idea.']);
    await expect(chat.versionButton(answer, 'Next answer')).toBeFocused();
  });
});

test.describe('A question that is edited', () => {
  test('is answered anew, and the old pair is still there', async ({ chat, model, tab }) => {
    const first = await model.script('Remember the number seven', { text: 'I will.' });
    const wrong = await model.script('What is twice as mush', { text: 'Pardon?' });
    const right = await model.script('What is twice as much', { text: 'Fourteen.' });
    await chat.ask(first);
    await chat.ask(wrong);
    await chat.composer.fill('not finished yet');
    await chat.edit(chat.questions.nth(1), right);
    await expect(chat.answers).toHaveText(['I will.', 'Fourteen.']);
    await expect(chat.questions).toHaveText([first, right]);
    await expect(chat.composer).toHaveValue('not finished yet');
    await expect(chat.composer).toBeFocused();
    expect((await model.journal(right)).map((entry) => entry.message_count)).toEqual([3]);

    const question = chat.questions.nth(1);
    await expect(chat.versionOf(question)).toHaveText('2 of 2');
    await tab.page.reload();
    await chat.isReady();
    await expect(chat.questions).toHaveText([first, right]);
    await expect(chat.composer).toHaveValue('not finished yet');
    await chat.versionButton(question, 'Previous question').click();
    await expect(chat.questions).toHaveText([first, wrong]);
    await expect(chat.answers).toHaveText(['I will.', 'Pardon?']);
    await expect(chat.versionOf(question)).toHaveText('1 of 2');
  });

  test('may be the first one, and the conversation stays the same', async ({ chat, model, tab }) => {
    const before = await model.script('How do I begin', { text: 'So.' });
    const after = await model.script('How do I end', { text: 'Thus.' });
    await chat.ask(before);
    const address = tab.page.url();
    await chat.edit(chat.questions.first(), after);
    await expect(chat.answers).toHaveText(['Thus.']);
    await expect(chat.questions).toHaveText([after]);
    await expect(tab.page).toHaveURL(address);
    await expect(chat.threads).toHaveText([before]);
  });

  test('is edited with the keyboard alone, and Escape leaves it as it was', async ({ chat, model, tab }) => {
    const before = await model.script('Typed in a hurry', { text: 'What?' });
    const after = await model.script('Typed with care', { text: 'Yes.' });
    await chat.ask(before);
    const question = chat.questions.first();
    const edit = chat.editButtonOf(question);
    await edit.focus();
    await tab.page.keyboard.press('Enter');
    await expect(chat.editor).toBeFocused();
    await expect(chat.editor).toHaveValue(before);
    await tab.page.keyboard.type(' and more');
    await expect(chat.editor).toHaveValue(`${before} and more`);
    await tab.page.keyboard.press('Escape');
    await expect(chat.questions).toHaveText([before]);
    await expect(edit).toBeFocused();

    await tab.page.keyboard.press('Enter');
    await expect(chat.editor).toBeFocused();
    await tab.page.keyboard.press('ControlOrMeta+A');
    await tab.page.keyboard.type(after);
    await tab.page.keyboard.press('Enter');
    await expect(chat.answers).toHaveText(['Yes.']);
    await expect(chat.questions).toHaveText([after]);
  });

  test('keeps its new words when the page is left, until it is given up', async ({ chat, model, tab }) => {
    const prompt = await model.script('Say it well', { text: 'Well.' });
    await chat.ask(prompt);
    const edit = chat.editButtonOf(chat.questions.first());
    await edit.click();
    await chat.editor.fill('said better');
    await tab.page.reload();
    await chat.isReady();
    await edit.click();
    await expect(chat.editor).toHaveValue('said better');
    await chat.cancelEditButton.click();
    await edit.click();
    await expect(chat.editor).toHaveValue(prompt);
  });

  test('is not sent while it is empty or too long', async ({ chat, model }) => {
    await chat.ask(await model.script('Say something', { text: 'Something.' }));
    await chat.turnOf(chat.questions.first()).hover();
    await chat.editButtonOf(chat.questions.first()).click();
    await chat.editor.fill(' \n ');
    await expect(chat.sendEditButton).toBeDisabled();
    await chat.editor.fill('x'.repeat(100_003));
    await expect(chat.page.getByTestId('editor-excess')).toContainText('3 characters too long');
    await expect(chat.editor).toHaveAccessibleDescription(/3 characters too long/);
    await expect(chat.sendEditButton).toBeDisabled();
    await chat.cancelEditButton.click();
    await expect(chat.editor).toBeHidden();
    await expect(chat.answers).toHaveText(['Something.']);
  });

  test.describe(() => {
    test.use({ expectedProblems: [/net::ERR_FAILED/] });

    test('is sent with its newest words after it was refused', async ({ chat, model, tab }) => {
      await chat.ask(await model.script('Hear me', { text: 'I do.' }));
      const newest = await model.script('Hear me now', { text: 'Now I do.' });
      await tab.page.route('**/api/chat/start_reply*', (route) => route.abort(), { times: 1 });
      await chat.edit(chat.questions.first(), 'not heard');
      await expect(chat.sendAgainButton).toBeVisible();
      await chat.editor.fill(newest);
      await expect(chat.refusal, 'what it would send again is gone').toBeHidden();
      await chat.sendEditButton.click();
      await expect(chat.answers).toHaveText(['Now I do.']);
      await expect(chat.questions).toHaveText([newest]);
    });
  });

  test.describe(() => {
    test.use({ expectedProblems: [refusedWith(429)] });

    test('keeps its new words when it is refused', async ({ chat, model }) => {
      const prompt = await model.script('Ask too often', { text: 'Yes.' });
      for (let i = 0; i < 5; i++) await chat.ask(prompt);
      await chat.edit(chat.questions.last(), 'in other words');
      await expect(chat.refusal).toBeVisible();
      await expect(chat.editor).toHaveValue('in other words');
      await expect(chat.editor).toBeFocused();
      await expect(chat.sendEditButton).toBeDisabled();
      await expect(chat.composer).toHaveValue('');
      await expect(chat.answers).toHaveCount(5);
      await chat.cancelEditButton.click();
      await expect(chat.refusal).toBeHidden();
      await expect(chat.questions.last()).toHaveText(prompt);
    });
  });
});

test.describe('On a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });

  test('versions are chosen and questions edited with the finger', async ({ chat, model, tab }) => {
    const prompt = await answeredTwice(chat, model);
    const answer = chat.answers.first();
    const previous = chat.versionButton(answer, 'Previous answer');
    const box = await previous.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(40);
    await previous.tap();
    await expect(chat.answers).toHaveText(['A first idea.']);

    const longer = await model.script(`${prompt} ${'once more '.repeat(20)}`, { text: 'A third idea.' });
    await chat.editButtonOf(chat.questions.first()).tap();
    await expect(chat.editor).toHaveAttribute('enterkeyhint', 'enter');
    await expect(chat.editor).toHaveValue(prompt);
    await chat.editor.press('End');
    await chat.editor.press('Enter');
    await expect(chat.editor, 'Enter breaks the line').toHaveValue(`${prompt}\n`);
    await chat.editor.fill(longer);
    await chat.sendEditButton.tap();
    await expect(chat.answers).toHaveText(['A third idea.']);
    await expect(chat.versionOf(chat.questions.first())).toHaveText('2 of 2');
    await expect(chat.versionOf(chat.questions.first())).toBeInViewport({ ratio: 1 });
    const widths = () => tab.page.evaluate(() => [window.innerWidth, document.documentElement.scrollWidth]);
    await expect.poll(widths).toEqual([360, 360]);
  });
});
