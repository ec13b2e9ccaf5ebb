import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';

export class SignInPage extends AppPage {
  readonly sandboxButton: Locator;
  readonly githubButton: Locator;
  readonly error: Locator;

  constructor(page: Page) {
    super(page);
    this.sandboxButton = page.getByTestId('sign-in-oidc');
    this.githubButton = page.getByTestId('sign-in-github');
    this.error = page.getByRole('main').getByRole('alert');
  }

  async open(): Promise<void> {
    await this.openPath('/sign-in');
  }

  async continueWithSandbox(): Promise<void> {
    await this.sandboxButton.click();
  }
}
