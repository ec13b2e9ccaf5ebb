import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';

export class PricingPage extends AppPage {
  readonly offers: Locator;
  readonly packs: Locator;
  /** In place of prices, where no payments are set up. */
  readonly closedNote: Locator;
  readonly monthly: Locator;
  readonly yearly: Locator;

  constructor(page: Page) {
    super(page);
    this.offers = page.getByTestId(/^offer-/);
    this.packs = page.getByTestId('pack-offer');
    this.closedNote = page.getByTestId('billing-closed');
    const rhythm = page.getByRole('navigation', { name: 'How often to pay' });
    this.monthly = rhythm.getByRole('link', { name: 'Monthly' });
    this.yearly = rhythm.getByRole('link', { name: 'Yearly' });
  }

  async open(path = '/pricing'): Promise<void> {
    await this.openPath(path);
  }

  /** The card of a plan, by its key. */
  offer(key: string): Locator {
    return this.page.getByTestId(`offer-${key}`);
  }

  /** Which plan is marked as the reader's. */
  get current(): Locator {
    return this.offers.filter({ hasText: 'Your plan' }).getByRole('heading', { level: 2 });
  }
}
