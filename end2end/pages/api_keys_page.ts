import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';
import { KeyCapForm } from './cap_form';

export class ApiKeysPage extends AppPage {
  readonly name: Locator;
  /** What the new key may cost at most. */
  readonly cap: Locator;
  readonly createButton: Locator;
  /** What is shown once. */
  readonly newKey: Locator;
  readonly secret: Locator;
  readonly copyKeyButton: Locator;
  readonly rows: Locator;
  readonly empty: Locator;
  /** What became of a key that was to be revoked or capped. */
  readonly outcome: Locator;
  readonly baseUrl: Locator;
  readonly example: Locator;
  readonly copyExampleButton: Locator;

  constructor(page: Page) {
    super(page);
    this.name = page.locator('#key-name');
    this.cap = page.locator('#key-cap');
    this.createButton = page.getByTestId('create-key');
    this.newKey = page.getByTestId('new-key');
    this.secret = page.getByTestId('new-key-secret');
    this.copyKeyButton = page.getByTestId('copy-key');
    this.rows = page.getByTestId('key-row');
    this.empty = page.getByTestId('no-keys');
    this.outcome = page.getByTestId('key-outcome');
    this.baseUrl = page.getByTestId('base-url');
    this.example = page.getByTestId('api-example');
    this.copyExampleButton = page.getByTestId('copy-example');
  }

  async open(): Promise<void> {
    await this.openPath('/api-keys');
  }

  async create(name: string, cap = ''): Promise<void> {
    await this.name.fill(name);
    await this.cap.fill(cap);
    await this.createButton.click();
  }

  /** The row of a key, by its name. */
  row(name: string): Locator {
    return this.rows.filter({ hasText: name });
  }

  /** What a key has cost, and of what. */
  spent(name: string): Locator {
    return this.row(name).getByTestId('key-spent');
  }

  /** The button that unfolds the form which sets a key's cap. */
  capToggle(name: string): Locator {
    return this.row(name).getByRole('button', { name: /may cost$/ });
  }

  capForm(name: string): KeyCapForm {
    return new KeyCapForm(this.row(name));
  }

  revokeButton(name: string): Locator {
    return this.row(name).getByTestId('revoke-key');
  }

  /** What is asked before a key is revoked. */
  question(name: string): Locator {
    return this.row(name).getByTestId('revoke-question');
  }

  confirmButton(name: string): Locator {
    return this.row(name).getByTestId('confirm-revoke');
  }
}
