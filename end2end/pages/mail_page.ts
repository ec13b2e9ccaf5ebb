import { type FrameLocator, type Locator, type Page } from '@playwright/test';

/** A mail that was sent, as the sandbox shows it. */
export class MailPage {
  readonly body: Locator;
  private readonly frame: FrameLocator;

  constructor(readonly page: Page) {
    this.frame = page.frameLocator('iframe[title="The mail"]');
    this.body = this.frame.locator('body');
  }

  link(name: string): Locator {
    return this.frame.getByRole('link', { name });
  }
}
