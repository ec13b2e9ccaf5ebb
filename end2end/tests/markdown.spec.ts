import { expect, test } from '../fixtures';

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
