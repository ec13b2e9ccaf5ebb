import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';

export class UsagePage extends AppPage {
  readonly charges: Locator;

  constructor(page: Page) {
    super(page);
    this.charges = page.getByTestId('usage-row');
  }

  async open(): Promise<void> {
    await this.openPath('/usage');
  }
}
