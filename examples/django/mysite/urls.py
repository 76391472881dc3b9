from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.shortcuts import render
from django.urls import path


class LoginForm(AuthenticationForm):
    # Whatever the reason: who does not know the password learns nothing of the account.
    error_messages = {"invalid_login": "This name and password do not open this site.",
                      "inactive": "This name and password do not open this site."}


@login_required
def me(request):
    return render(request, "me.html")


# The admin has a login form of its own: this site has one.
admin.site.login = login_required(admin.site.login)

urlpatterns = [
    path("", me, name="me"),
    path("login/", LoginView.as_view(template_name="login.html", authentication_form=LoginForm),
         name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
