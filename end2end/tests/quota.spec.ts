import { expect, refusedWith, test } from '../fixtures';

test.describe('Requests a minute', () => {
  test.use({ expectedProblems: [refusedWith(429)] });

  test('The sixth message in a minute is refused: which limit, when it fits again, and nothing is lost', async ({
    chat,
    model,
    tab,
  }) => {
    const prompt = await model.script('Five are fine', { text: 'Fine.' });
    for (const left of ['4', '3', '2', '1', '0']) {
      await chat.ask(prompt);
      await expect(chat.minuteLeft).toHaveText(left);
    }
    await chat.send('The sixth message');
    await expect(chat.refusal).toContainText('You have used all 5 requests of the last minute');
    await expect(chat.refusal).toContainText(/You can send the next one at \d\d:\d\d:\d\d UTC/);
    await expect(chat.countdown).toHaveText(/^You can send again in \d+ s\.$/);
    await expect(chat.composer).toHaveValue('The sixth message');
    await expect(chat.sendButton).toBeDisabled();
    await expect(chat.questions).toHaveCount(5);
    await expect(chat.minuteLeft).toHaveText('0');
    expect(await model.journal('The sixth message')).toHaveLength(0);

    await tab.page.reload();
    await chat.isReady();
    await expect(chat.composer).toHaveValue('The sixth message');

    await tab.usage.open();
    await expect(tab.usage.charges).toHaveCount(5);
    await expect(tab.usage.main).toContainText('5 used.');
    await expect(tab.usage.main).toContainText('The next request fits');
    for (const charge of await tab.usage.charges.all()) {
      await expect(charge).toContainText(prompt);
      await expect(charge).toContainText(/\$0\.0000\d+/);
    }
  });

  test('The refusal goes away by itself when the next message fits', async ({ chat, model, tab }) => {
    const prompt = await model.script('Use them up', { text: 'Used.' });
    await tab.page.clock.install();
    await tab.page.reload();
    await chat.isReady();
    for (let i = 0; i < 5; i++) await chat.ask(prompt);
    await chat.send('One too many');
    await expect(chat.refusal).toBeVisible();
    await expect(chat.sendButton).toBeDisabled();
    await tab.page.clock.fastForward('01:05');
    await expect(chat.refusal).toBeHidden();
    await expect(chat.sendButton).toBeEnabled();
    await expect(chat.composer).toHaveValue('One too many');
  });

  test('The meter is the same in every tab of the person after a reload', async ({ chat, model, openBrowser, person }) => {
    const prompt = await model.script('Counted everywhere', { text: 'Counted.' });
    await chat.ask(prompt);
    const other = await openBrowser();
    await other.signInAs(person);
    await expect(other.chat.minuteLeft).toHaveText('4');
    await expect(other.chat.creditLeft).toHaveText('$0.49');
    await other.chat.open();
    await other.chat.ask(prompt);
    await expect(other.chat.minuteLeft).toHaveText('3');
  });
});

test.describe('Replies at a time', () => {
  test.use({ expectedProblems: [refusedWith(429)] });

  test('A third reply at the same time is refused, and fits when one has ended', async ({ chat, model, tab }) => {
    const endless = await model.script('Never end', { text: 'A word and more', stall_after_chunks: 1 });
    const prompt = await model.script('Wait for your turn', { text: 'My turn.' });
    for (let i = 0; i < 2; i++) {
      await chat.newChatLink.click();
      await expect(chat.answers).toHaveCount(0);
      await chat.send(endless);
      await expect(chat.answers).toContainText(['A']);
    }
    await chat.newChatLink.click();
    await expect(chat.answers).toHaveCount(0);
    await chat.send(prompt);
    await expect(chat.refusal).toContainText('2 replies are still being written');
    await expect(chat.composer).toHaveValue(prompt);
    expect(await model.journal(prompt)).toHaveLength(0);

    const other = await tab.page.context().newPage();
    await other.goto('/chat');
    // What is clicked before the page has woken up does nothing.
    await expect(other.locator('body')).toHaveAttribute('data-hydrated', 'true');
    await other.getByTestId('thread-link').first().click();
    await other.getByTestId('composer-stop').click();
    await expect(other.getByTestId('message-assistant')).toHaveAttribute('data-state', 'stopped');
    await chat.sendAgainButton.click();
    await expect(chat.answers).toHaveText(['My turn.']);
    await expect(chat.composer).toHaveValue('');
  });
});

test.describe('Credit', () => {
  test.use({ expectedProblems: [refusedWith(402)] });

  test('When the credit is used up, the next message is refused and says when there is more', async ({ chat, model, tab }) => {
    const dear = await model.script('An expensive question', {
      text: 'An expensive answer.',
      usage: { prompt_tokens: 100_000, completion_tokens: 900_000 },
    });
    await chat.ask(dear);
    await expect(chat.creditLeft).toHaveText('$0.00');
    await chat.send('A cheap question');
    await expect(chat.refusal).toContainText("too little for a reply. New credit comes on 1 ");
    await expect(chat.composer).toHaveValue('A cheap question');
    await expect(chat.minuteLeft).toHaveText('4');
    await expect(chat.sendAgainButton).toHaveCount(0);
    await tab.usage.open();
    await expect(tab.usage.charges).toHaveCount(1);
    await expect(tab.usage.main).toContainText('$0.00 of $0.50 left');
  });

  test('The refusal leads to more credit, and the text is still there afterwards', async ({ chat, model, tab }) => {
    const usage = { prompt_tokens: 100_000, completion_tokens: 900_000 };
    await chat.ask(await model.script('An expensive question', { text: 'An expensive answer.', usage }));
    const address = tab.page.url();
    await chat.send('A cheap question');
    await chat.refusal.getByRole('link', { name: 'Get more credit' }).click();
    await expect(tab.pricing.heading).toHaveText('Plans and prices');
    await chat.open(address);
    await expect(chat.composer).toHaveValue('A cheap question');
  });
});

test.describe('West of Greenwich', () => {
  test.use({ timezoneId: 'America/Los_Angeles' });

  test('new credit comes on the same day everywhere: the first of the month in UTC', async ({ chat, tab }) => {
    await chat.meter.click();
    await expect(tab.usage.main).toContainText(/New credit on\s*1 \w+ \d{4} \(UTC\)/);
  });
});

test('A reply without a reported usage is marked as counted here', async ({ chat, model, tab }) => {
  const prompt = await model.script('Do not count', { text: 'Uncounted.', usage: 'missing' });
  await chat.ask(prompt);
  await tab.usage.open();
  await expect(tab.usage.charges).toContainText(['≈']);
  await expect(tab.usage.main).toContainText('The provider did not report all that this reply used');
});

test('Before the first reply, the usage page says that nothing has been charged', async ({ chat, tab }) => {
  await chat.meter.click();
  await expect(tab.usage.heading).toHaveText('Usage');
  await expect(tab.usage.main).toContainText('Nothing has been charged yet');
  await expect(tab.usage.main).toContainText('$0.50 of $0.50 left');
});
