import { expect, refusedWith, test } from '../fixtures';

/** $0.0006 with the prices of the tests' catalog. */
const ANSWER = { text: 'An answer.', usage: { prompt_tokens: 0, completion_tokens: 1_000 } };

test.describe('The cap of the month', () => {
  test.use({ expectedProblems: [refusedWith(402)] });

  test('refuses what does not fit, leads to where it is raised, and the message is kept', async ({ chat, model, tab }) => {
    const prompt = await model.script('Until the cap', ANSWER);
    await tab.usage.open();
    await expect(tab.usage.caps).toContainText('No cap is set');
    await tab.usage.monthCap.set('0.0006');
    await expect(tab.usage.capSaved).toHaveText('The cap is set.');
    await expect(tab.usage.monthCapLeft).toContainText('of $0.0006 left');

    await chat.open();
    await chat.ask(prompt);
    await expect(chat.alert).toContainText(
      /Your cap of \$0\.0006 for this month is reached\. New replies are refused until 1 \w+, unless you raise it\./,
    );
    await chat.send('One more');
    await expect(chat.refusal).toContainText('You set a cap of $0.0006 for this month; $0.00 of it is left');
    await expect(chat.refusal.getByRole('link')).toHaveCount(1);
    expect(await model.journal('One more')).toHaveLength(0);

    await chat.raiseCap.click();
    await expect(tab.page).toHaveURL('/usage#caps');
    await tab.usage.isReady();
    await expect(tab.usage.monthCap.amount).toBeInViewport();
    await tab.usage.monthCap.set('1');
    await expect(tab.usage.capSaved).toHaveText('The cap is set.');
    await expect(tab.usage.alert).toBeHidden();
    await tab.page.goBack();
    await chat.isReady();
    await expect(chat.composer).toHaveValue('One more');
    await chat.sendButton.click();
    await expect(chat.answers).toHaveCount(2);
  });

  test('can only warn, and the warning can be dismissed', async ({ chat, model, tab }) => {
    const prompt = await model.script('Past the cap', ANSWER);
    await tab.usage.open();
    await tab.usage.monthCap.set('$0.0005', 'Only warn me');
    await expect(tab.usage.capSaved).toHaveText('The cap is set.');
    await chat.open();
    await chat.ask(prompt);
    await expect(chat.alert).toContainText('Your cap of $0.0005 for this month is passed. It only warns');
    await chat.dismissAlertButton.click();
    await expect(chat.alert).toBeHidden();
    await chat.ask(prompt);
    await tab.page.reload();
    await chat.isReady();
    await expect(chat.alert).toBeHidden();

    await tab.usage.open();
    await tab.usage.monthCap.removeButton.click();
    await expect(tab.usage.caps).toContainText('No cap is set');
    await expect(tab.usage.monthCap.amount).toBeFocused();
    await expect(tab.usage.monthCap.amount).toHaveValue('');
  });
});

test.describe('What is no amount', () => {
  test.use({ expectedProblems: [refusedWith(400)] });

  test('is refused in words, beside the field', async ({ chat, tab }) => {
    await chat.meter.click();
    await tab.usage.monthCap.set('a lot');
    await expect(tab.usage.caps).toContainText('Write an amount in dollars, such as 5 or 2.50.');
    await expect(tab.usage.monthCap.amount).toHaveValue('a lot');
    await expect(tab.usage.monthCap.amount).toHaveAccessibleDescription(/Write an amount/);
    await tab.usage.monthCap.set('2.50');
    await expect(tab.usage.monthCapLeft).toHaveText('$2.50 of $2.50 left');
    await expect(tab.usage.caps).not.toContainText('Write an amount');
  });
});

test.describe('The cap of a conversation', () => {
  test.use({ expectedProblems: [refusedWith(402)] });

  test('is set from the conversation and counts it alone', async ({ chat, model, tab }) => {
    const prompt = await model.script('Only here', ANSWER);
    await expect(chat.spendingButton).toHaveCount(0);
    await chat.ask(prompt);
    await chat.spendingButton.click();
    await expect(chat.threadUsed).toHaveText('$0.0006');
    await chat.threadCap.set('0.0006');
    await expect(chat.spending).toBeHidden();
    await expect(chat.spendingButton).toBeFocused();
    await expect(chat.capNote).toHaveText(
      'This conversation has cost $0.0006 of its cap of $0.0006. Further replies are refused, unless you raise it.',
    );
    await chat.send(prompt);
    await expect(chat.refusal).toContainText('You set a cap of $0.0006 for this conversation');
    await expect(chat.composer).toHaveValue(prompt);

    await tab.usage.open();
    await expect(tab.usage.threadCaps).toContainText([prompt]);
    await tab.page.goBack();
    await chat.isReady();
    await chat.newChatLink.click();
    await expect(chat.answers).toHaveCount(0);
    await chat.ask(prompt);
    await expect(chat.capNote).toBeHidden();
  });

  test('is raised where it refuses, and the message can be sent at once', async ({ chat, model, tab }) => {
    const prompt = await model.script('Raise it here', ANSWER);
    await chat.ask(prompt);
    await chat.spendingButton.click();
    await chat.threadCap.set('0.0005');
    await expect(chat.spending).toBeHidden();
    await chat.send(prompt);
    await chat.raiseCap.click();
    await expect(chat.threadCap.amount).toHaveValue('0.0005');
    await chat.threadCap.set('1');
    await expect(chat.refusal).toBeHidden();
    await chat.sendButton.click();
    await expect(chat.answers).toHaveCount(2);
    await chat.hasState(chat.answers.nth(1), 'finished');

    await chat.spendingButton.click();
    await expect(chat.threadUsed).toHaveText('$0.0012');
    await tab.page.keyboard.press('Escape');
    await expect(chat.spending).toBeHidden();
    await chat.spendingButton.click();
    await chat.threadCap.removeButton.click();
    await expect(chat.spending).toBeHidden();
    await tab.usage.open();
    await expect(tab.usage.threadCaps).toHaveCount(0);
  });
});

test.describe('Without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a cap is set, changed and removed, and an alert dismissed', async ({ tab, openBrowser, person, model }) => {
    await tab.signInAs(person);
    await tab.page.goto('/usage');
    await tab.usage.monthCap.set('a lot');
    await expect(tab.usage.caps).toContainText('Write an amount in dollars');
    await tab.usage.monthCap.set('0.001');
    await expect(tab.usage.monthCapLeft).toContainText('of $0.001 left');

    const writer = await openBrowser({ javaScriptEnabled: true });
    await writer.signInAs(person);
    await writer.chat.isReady();
    await writer.chat.ask(await model.script('More than half', ANSWER));

    await tab.page.goto('/usage');
    await expect(tab.usage.alert).toContainText('50% of your cap of $0.001 for this month is spent');
    await tab.usage.dismissAlertButton.click();
    await expect(tab.usage.alert).toHaveCount(0);
    await expect(tab.page).toHaveURL(/\/usage\??$/);
    await tab.usage.monthCap.set('2', 'Only warn me');
    await expect(tab.usage.caps).toContainText('Only warns');
    await tab.usage.monthCap.removeButton.click();
    await expect(tab.usage.caps).toContainText('No cap is set');

    // The same forms about a conversation.
    await writer.chat.spendingButton.click();
    await writer.chat.threadCap.set('3');
    await expect(writer.chat.spending).toBeHidden();
    await tab.page.goto('/usage');
    await expect(tab.usage.threadCaps).toHaveCount(1);
    await tab.usage.monthCap.set('2');
    await tab.usage.threadCaps.getByRole('button', { name: /^Remove/ }).click();
    await expect(tab.usage.threadCaps).toHaveCount(0);
    await expect(tab.usage.monthCapLeft).toContainText('of $2.00 left');
  });
});
